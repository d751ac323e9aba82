#include <cmath>

#include <gtest/gtest.h>

#include "attribute/noisy_copy.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

const std::vector<int> kTargets{2, 0};
const std::vector<int64_t> kSamples{7, -3};

FloatArray map_of(const CpuEngine& engine, const std::string& spec, const Input& input) {
    return explain(parse_method(spec), {.engine = &engine, .seed = 3}, {input, kTargets, kSamples});
}

TEST(NoisyCopy, HasTheNoiseThatItSays) {
    FloatArray images({1, 2, 60, 60});
    for (int64_t i = 0; i < images.size(); ++i) images.data[i] = i < 3600 ? static_cast<float>(i % 2) : -3;
    double sum = 0, squares = 0;
    const std::vector<int64_t> one{4};
    const Input noisy = noisy_copy(images, one, 0, 0.2, 1);
    for (int64_t i = 0; i < 3600; ++i) {
        const double noise = noisy.images.data[i] - images.data[i];
        sum += noise;
        squares += noise * noise;
    }
    EXPECT_NEAR(sum / 3600, 0, 5 * 0.2 / 60);
    EXPECT_NEAR(std::sqrt(squares / 3600), 0.2, 0.015);
    for (int64_t i = 3600; i < 7200; ++i)
        EXPECT_EQ(noisy.images.data[i], -3) << "a channel without a range has no noise";
    EXPECT_NE(noisy_copy(images, one, 1, 0.2, 1), noisy);

    const Array<uint8_t> spikes = test::test_spikes(10, 1, {2, 20, 20}, 0.5);
    const Input left = noisy_copy(spikes, one, 0, 0.3, 1);
    int64_t before = 0, dropped = 0;
    for (int64_t i = 0; i < spikes.size(); ++i) {
        before += spikes.data[i] != 0;
        dropped += left.spikes.data[i] != spikes.data[i];
        EXPECT_TRUE(left.spikes.data[i] == spikes.data[i] || left.spikes.data[i] == 0);
    }
    EXPECT_NEAR(static_cast<double>(dropped) / static_cast<double>(before), 0.3, 0.04);
}

TEST(SmoothGrad, IsTheMeanAndVarGradTheVarianceOverNoisyCopies) {
    const CpuEngine engine(test::two_conv_network());
    const std::vector<std::pair<Input, std::string>> cases = {
        {test::test_images(2, {1, 12, 12}), "grad2d"},
        {test::test_images(2, {1, 12, 12}), "ig2d:steps=3:baseline=mean"},
        {test::test_spikes(5, 2, {1, 12, 12}), "grad3d"}};
    for (const auto& [input, inner] : cases) {
        std::vector<FloatArray> maps;
        for (int64_t copy = 0; copy < 4; ++copy)
            maps.push_back(map_of(engine, inner, noisy_copy(input, kSamples, copy, 0.2, 3)));
        const FloatArray smooth = map_of(engine, "smoothgrad:copies=4:sigma=0.2:of=" + inner, input);
        const FloatArray variance = map_of(engine, "vargrad:copies=4:sigma=0.2:of=" + inner, input);
        double size = 0;
        for (int64_t i = 0; i < smooth.size(); ++i) {
            double mean = 0, squares = 0;
            for (const FloatArray& map : maps) mean += map.data[i] / 4.0;
            for (const FloatArray& map : maps) squares += (map.data[i] - mean) * (map.data[i] - mean) / 4.0;
            EXPECT_NEAR(smooth.data[i], mean, 1e-6) << inner;
            EXPECT_NEAR(variance.data[i], squares, 1e-5 * (1 + squares)) << inner;
            size += squares;
        }
        EXPECT_GT(size, 0) << inner;
    }
}

TEST(SmoothGrad, OfALinearNetworkIsItsGradient) {
    const CpuEngine engine(test::small_network("5F", {1, 12, 12}, 4));
    const Input images = test::test_images(2, {1, 12, 12});
    const FloatArray gradient = map_of(engine, "grad2d", images), smooth = map_of(engine, "smoothgrad", images);
    const FloatArray variance = map_of(engine, "vargrad", images);
    for (int64_t i = 0; i < gradient.size(); ++i) {
        EXPECT_NEAR(smooth.data[i], gradient.data[i], 1e-6);
        EXPECT_NEAR(variance.data[i], 0, 1e-9);
    }
}

}  // namespace
}  // namespace spikelens

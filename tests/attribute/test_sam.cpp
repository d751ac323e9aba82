#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "small_network.h"

namespace spikelens {
namespace {

/// N and M as the paper writes them, per step, then summed over steps: from the recorded spikes [T, K, H, W] of a
/// sample at one pixel.
double sam_at(const ArrayView<uint8_t>& spikes, int64_t pixel, double gamma, bool strict) {
    const int64_t pixels = spikes.shape[2] * spikes.shape[3];
    const auto spike = [&](int64_t t, int64_t k) { return spikes.row(t)[k * pixels + pixel]; };
    double sum = 0;
    for (int64_t t = 0; t < spikes.shape[0]; ++t) {
        for (int64_t k = 0; k < spikes.shape[1]; ++k) {
            double score = 0;
            for (int64_t at = 0; at <= t; ++at) {
                if (spike(at, k) && !(strict && at == t)) score += std::exp(-gamma * static_cast<double>(t - at));
            }
            sum += score * spike(t, k);
        }
    }
    return sum;
}

TEST(Sam, IsTheSumOverStepsOfThePapersMap) {
    // The only convolution keeps the input's size, so no resize stands between the map and the definition.
    const Network network = test::small_network("4C3-LIF-MP2-5F", {1, 8, 8}, 9);
    const CpuEngine simulator(network);
    const FloatArray images = test::test_images(3, {1, 8, 8});
    const std::vector<int> targets{0, 1, 2};
    const std::vector<int64_t> samples{0, 1, 2};
    const Recording recording = simulator.run(images, {.layers = {0}, .spikes = true});
    for (const auto& [gamma, strict] : {std::pair(0.5, false), {2.0, false}, {0.5, true}}) {
        const std::string spec = "sam:gamma=" + std::to_string(gamma) + (strict ? ":past=strict" : "");
        const FloatArray map = explain(parse_method(spec), {.engine = &simulator}, {images, targets, samples});
        double total = 0;
        for (int64_t n = 0; n < 3; ++n) {
            for (int64_t pixel = 0; pixel < 64; ++pixel) {
                const double expected = sam_at(recording.layer(0).spikes.sub(n), pixel, gamma, strict);
                EXPECT_NEAR(map.row(n)[pixel], expected, 1e-6 + 1e-6 * expected);
                total += expected;
            }
        }
        EXPECT_GT(total, 1) << "the network must spike for this test to mean anything";
    }
}

// Four pixels, each with a neuron of its own that adds up its pixel over three steps: one spike at the last step (0.4),
// none (0), one at the second (0.6), one at every step (2).
TEST(Sam, ANeuronThatSpikesOnceCountsOne) {
    Network network = parse_network("1C1p0-LIF-2F", {1, 2, 2}, 3);
    network.layers[0].weight.data = {1};
    network.layers[0].bias.data = {0};
    network.layers[0].neuron->beta = 1;
    const CpuEngine simulator(network);
    const Input image = FloatArray({1, 1, 2, 2}, {0.4F, 0, 0.6F, 2});
    const std::vector<int> targets{0};
    const std::vector<int64_t> samples{0};
    const auto map = [&](const std::string& spec) {
        return explain(parse_method(spec), {.engine = &simulator}, {image, targets, samples}).data;
    };
    const double near = std::exp(-0.5), far = std::exp(-1.0);
    EXPECT_EQ(map("sam"), (std::vector<float>{1, 0, 1, static_cast<float>(3 + 2 * near + far)}));
    EXPECT_EQ(map("sam:past=strict"), (std::vector<float>{0, 0, 0, static_cast<float>(2 * near + far)}));
    EXPECT_THROW(map("sam:past=later"), InputError);
}

TEST(Sam, ReadsTheLastConvolutionUnlessTold) {
    const Network network = test::two_conv_network();
    const CpuEngine simulator(network);
    const FloatArray images = test::test_images(2, {1, 12, 12});
    const std::vector<int> targets{0, 0};
    const std::vector<int64_t> samples{0, 1};
    const auto map = [&](const std::string& spec) {
        return explain(parse_method(spec), {.engine = &simulator}, {images, targets, samples});
    };
    EXPECT_EQ(map("sam"), map("sam:layer=conv2"));
    EXPECT_NE(map("sam"), map("sam:layer=conv1"));
    EXPECT_THROW(map("sam:layer=full3"), InputError);
}

}  // namespace
}  // namespace spikelens

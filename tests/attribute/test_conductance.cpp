#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

const std::vector<int> kTargets{1, 2};
const std::vector<int64_t> kSamples{0, 1};

double sum(std::span<const float> values) {
    double all = 0;
    for (const float value : values) all += value;
    return all;
}

/// A readout is linear: its gradient is exact, and what the spikes before it changed is the change of the score.
TEST(Conductance, BeforeALinearReadoutSumsToTheChangeOfTheScore) {
    const CpuEngine engine(test::small_network("3C3-LIF-4C3-LIF-AP2-3F", {1, 6, 6}, 8));
    for (const Input& input : {Input(test::test_images(2, {1, 6, 6})), Input(test::test_spikes(8, 2, {1, 6, 6}))}) {
        const FloatArray maps =
            explain(parse_method("conductance:steps=5"), {.engine = &engine}, {input, kTargets, kSamples});
        ASSERT_EQ(maps.shape, (Shape{2, 1, 6, 6}));
        const Input nothing =
            input.spiking() ? Input(Array<uint8_t>(input.spikes.shape)) : Input(FloatArray(input.images.shape));
        const FloatArray scores = engine.run(input).scores, dark = engine.run(nothing).scores;
        for (int64_t n = 0; n < 2; ++n) {
            const double change = double{scores.row(n)[kTargets[n]]} - dark.row(n)[kTargets[n]];
            EXPECT_GT(std::abs(change), 1e-3);
            EXPECT_NEAR(sum(maps.row(n)), change, 1e-5 * (1 + std::abs(change)));
        }
    }
}

/// Point by point, with the gradients of smooth networks' definitions in double.
TEST(Conductance, EqualsItsDefinitionPointByPoint) {
    const Network network = test::small_network("3C3-LIF-MP2-5F-LIF-3F-LIF", {1, 6, 6}, 6);
    const CpuEngine engine(network);
    const GradientNetwork slow(network, {.surrogate = {}, .double_precision = true});
    const FloatArray images = test::test_images(2, {1, 6, 6});
    const FloatArray maps =
        explain(parse_method("conductance:layer=conv1:steps=4"), {.engine = &engine}, {images, kTargets, kSamples});
    std::vector<double> expected(maps.size());
    FloatArray before = slow.spike_gradient(FloatArray(images.shape), kTargets, 0).spikes;
    for (int k = 1; k <= 4; ++k) {
        FloatArray point = images;
        for (float& value : point.data) value *= static_cast<float>(k) / 4;
        const SpikeGradient at = slow.spike_gradient(point, kTargets, 0);
        for (int64_t i = 0; i < before.size(); ++i)
            expected[i / before.row_size() * 36 + i % 36] +=
                double{at.gradient.data[i]} * (at.spikes.data[i] - before.data[i]);
        before = at.spikes;
    }
    double largest = 0;
    for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_NEAR(maps.data[i], expected[i], 1e-5);
        largest = std::max(largest, std::abs(expected[i]));
    }
    EXPECT_GT(largest, 1e-2);
}

TEST(Conductance, RefusesWhatItCannotFollow) {
    const CpuEngine engine(test::small_network("3C3-LIF-3F", {1, 6, 6}, 4));
    const Input input = test::test_spikes(4, 2, {1, 6, 6});
    EXPECT_THROW(explain(parse_method("conductance:layer=full2"), {.engine = &engine}, {input, kTargets, kSamples}),
                 InputError);
    EXPECT_THROW(explain(parse_method("conductance:baseline=blur"), {.engine = &engine}, {input, kTargets, kSamples}),
                 InputError);
}

}  // namespace
}  // namespace spikelens

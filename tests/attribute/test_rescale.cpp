#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/core/error.h"

#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

const Shape shape{2, 6, 8};

/// Of every reset, pool, join and recurrence, of neurons that differ, and of pools that reach beyond their map.
const std::vector<std::string> texts = {
    "3C3-LIF-MP2-4F-LIF-3F",
    "3C3b0-LIF(beta=0.8,delay)-AP2-4F-LIF(delay)-3F",
    "2C3s2-LIF(reset=zero)-3C3-LIF(reset=zero,v_reset=-0.3,delay)-SP2-3F-LI(beta=0.7)",
    "4C3-LIF(reset=none,threshold=0.7)-MP3s2-3F-LIF",
    "3C1-LIF(alpha=0.6,decay_input,gain=3)-MP2-5F-IF-3F",
    "2C3-LIF(alpha=0.4,reset=zero,v_reset=0.2,ge)-AP2-2C3-IF(delay)-3F-LIF(reset=zero)",
    "6F-LIF-5F-LIF(beta=0.5)-3F-LI(beta=0)",
    "3C3-LIF(beta=0.7)-[3C3-LIF-3C3|]add-LIF(reset=zero,v_reset=0.1)-AP2-3F-LI(beta=0.8)",
    "[2C3|2C1]add-LIF(decay_input,gain=4)-[2C3-LIF|3C1x3-IF(delay)|]cat-MP2x1-3F-LIF",
    "3C3-R1-LIF-3C3-RC3-LIF(beta=0.8,alpha=0.3)-5F-R-LIF(reset=zero)-3F",
    "4C3g2-LIF(beta=*,threshold=**)-4C3d2-MP2-LIF-[4C3-IF|]and-[|4C3-IF]iand-3C1-GAP",
    "3C3-R1-IF-AP2-[3F|3F-LIF-3F]add",
    "3C3-AP3s2p1-LIF-SP3s2c-3F",
    "2C3-MP3s2p1-LIF-MP3s2c-3F",
    "3C3-LIF-3F-LI(beta=0.7,alpha=0.5)",
    "3C3b0-BN5-MP2-LIF-[3C3-BN5-LIF|BN5]add-LIF(alpha=0.5)-3F-BN5"};

double largest(const FloatArray& map) {
    double most = 1;
    for (const float value : map.data) most = std::max(most, std::abs(double{value}));
    return most;
}

/// Attributions sum to the change of the score from the method's own baseline. Where two potentials are nearly the same
/// on either side of the threshold multipliers are large and so are the sums' roundings.
TEST(Rescale, AttributionsSumToTheChangeOfTheScore) {
    for (const std::string& text : texts) {
        const Network network = test::small_network(text, shape, 5);
        const CpuEngine engine(network, {.threads = 1});
        const std::vector<int> targets{0, 2, 1};
        const std::vector<int64_t> samples{0, 1, 2};
        const AttributionContext context{.engine = &engine};
        for (const char* method : {"rescale", "rescale:baseline=blur", "rescale:baseline=mean"})
            for (const Input& input : {Input(test::test_images(3, shape)), Input(test::test_spikes(5, 3, shape))}) {
                if (input.spiking() && std::string(method) != "rescale") continue;
                const AttributionRequest request{input, targets, samples};
                const MethodSpec spec = parse_method(method);
                const FloatArray map = explain(spec, context, request);
                const auto complete = own_completeness(spec, context, request, map, engine.run(input).scores);
                for (const Completeness& of : complete)
                    EXPECT_LT(of.gap, 1e-4 * largest(map)) << method << " of " << text << ", change " << of.difference;
            }
    }
}

/// One neuron, one step: w = (2, -1, 0.5), so U = 1.75 against 0.25 of the baseline: it spikes, and each weight's part
/// of the change of 1.5 pays for it. One unit of the score for the spike.
TEST(Rescale, ASpikeIsPaidForByWhatChangedThePotential) {
    Network network = parse_network("1F-LIF-1Fb0", {1, 1, 3}, 1);
    network.layers[0].weight.data = {2, -1, 0.5F};
    network.layers[0].bias.data = {0.25F};
    network.layers[1].weight.data = {1};
    const CpuEngine engine(network, {.threads = 1});
    const FloatArray image({1, 1, 1, 3}, {1, 0.75F, 0.5F});
    const std::vector<int> targets{0};
    const std::vector<int64_t> samples{0};
    const FloatArray map = explain(parse_method("rescale"), {.engine = &engine}, {image, targets, samples});
    EXPECT_FLOAT_EQ(map.data[0], 2 / 1.5F);
    EXPECT_FLOAT_EQ(map.data[1], -0.75F / 1.5F);
    EXPECT_FLOAT_EQ(map.data[2], 0.25F / 1.5F);
}

/// Where neither spikes or both do nothing is explained.
TEST(Rescale, WithoutAChangeOfSpikesTheMapIsZero) {
    Network network = parse_network("1F-LIF-1F", {1, 1, 1}, 1);
    network.layers[0].weight.data = {0.5F};
    network.layers[1].weight.data = {1};
    const CpuEngine engine(network, {.threads = 1});
    const FloatArray image({1, 1, 1, 1}, {1});
    const std::vector<int> targets{0};
    const std::vector<int64_t> samples{0};
    EXPECT_EQ(explain(parse_method("rescale"), {.engine = &engine}, {image, targets, samples}).data[0], 0);
}

TEST(Rescale, RefusesThresholdsThatAdaptAndOtherBaselinesOfSpikes) {
    const std::vector<int> targets{0};
    const std::vector<int64_t> samples{0};
    const CpuEngine adapting(test::small_network("3F-LIF(adapt=0.5,rho=0.9)-3F", shape, 3), {.threads = 1});
    const Input images = test::test_images(1, shape), spikes = test::test_spikes(3, 1, shape);
    EXPECT_THROW(explain(parse_method("rescale"), {.engine = &adapting}, {images, targets, samples}), InputError);
    const CpuEngine plain(test::small_network("3F-LIF-3F", shape, 3), {.threads = 1});
    EXPECT_THROW(explain(parse_method("rescale:baseline=blur"), {.engine = &plain}, {spikes, targets, samples}),
                 InputError);
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "gate_reference.h"
#include "small_network.h"

namespace spikelens {
namespace {

constexpr int64_t steps = 9;  // not the network's own number: spikes decide how long it runs

const std::vector<int> targets{0, 2, 1};
const std::vector<int64_t> samples{0, 1, 2};

FloatArray gate(const std::string& spec, const CpuEngine& simulator, const Array<uint8_t>& spikes) {
    return explain(parse_method(spec), {.engine = &simulator}, {spikes, targets, samples});
}

/// One sample's spikes of the steps before `end`, silence after.
Array<uint8_t> beginning(const Array<uint8_t>& spikes, int64_t n, int64_t end) {
    Array<uint8_t> result = spikes.rows(n, 1).copy();
    std::ranges::fill(result.row(0).subspan(end * result.row_size() / steps), uint8_t{0});
    return result;
}

void expect_near_reference(float value, double expected, const std::string& where) {
    EXPECT_NEAR(value, expected, 1e-5 + 1e-4 * std::abs(expected)) << where;
}

/// Gains of the reference times spikes, at every step and summed over steps.
void expect_gate_equals_reference(const Network& network) {
    const CpuEngine simulator(network);
    const test::GateReference reference{network, simulator};
    const Array<uint8_t> spikes = test::test_spikes(steps, 3, network.input_shape(), 0.5, 3);
    const FloatArray timed = gate("gate3d", simulator, spikes), summed = gate("gate", simulator, spikes);
    ASSERT_EQ(timed.shape, spikes.shape);
    ASSERT_EQ(summed.shape, (Shape{3, network.channels, network.height, network.width}));
    double largest = 0;
    for (int64_t n = 0; n < 3; ++n) {
        const test::Vector gain = reference.gains(beginning(spikes, n, steps), targets[n]).input;
        for (int64_t i = 0; i < static_cast<int64_t>(gain.size()); ++i) {
            double sum = 0;
            for (int64_t t = 0; t < steps; ++t) {
                const int64_t place = (n * steps + t) * summed.row_size() + i;
                const double expected = gain[i] * spikes.data[place];
                expect_near_reference(timed.data[place], expected,
                                      network_text(network) + ", gate3d " + std::to_string(place));
                sum += expected;
            }
            expect_near_reference(summed.row(n)[i], sum, network_text(network) + ", gate " + std::to_string(i));
            largest = std::max(largest, std::abs(sum));
        }
    }
    EXPECT_GT(largest, 0.01) << "the network must spike for this test to mean anything";
}

TEST(GateOnSpikes, EqualsTheProductOfDenseMatrices) {
    for (const char* text :
         {"4C3-LIF-MP2-6C3-LIF-MP2-12F-LIF-5F", "4C3-LIF-AP2-5F-LIF-3F", "4C3s2-LIF-SP2-6C3-IF-3F-LIF",
          "4C3-LIF(alpha=0.5)-MP2-5F-LIF-3F", "4C3-LIF-MP2-3F-LI(beta=0.8)", "4C3-LIF-MP2-3F-LI(beta=0.8,alpha=0.5)",
          "4C3-LIF-[4C3-LIF|]add-MP2-3C1-MP2-LIF-3F", "4C3-LIF-[4C3|4C1-IF|]add-IF-[3C1-IF|]cat-3F",
          "4C3-MP2-LIF-[4C3-IF|]and-[|4C3-IF]iand-3F"}) {
        expect_gate_equals_reference(test::small_network(text, {2, 7, 9}, 6));
    }
}

/// Two dense layers without bias under a synapse α and a readout β, one spike at t = 0: by hand.
TEST(GateOnSpikes, SynapseAndLeakByHand) {
    Network network = parse_network("1F-IF(alpha=0.5)-2F-LI(beta=0.5)", {1, 1, 1}, 4, {.neuron = {}, .bias = false});
    network.layers[0].weight.data = {2};
    network.layers[1].weight.data = {3, -1};
    const CpuEngine simulator(network);
    Array<uint8_t> spikes({1, 4, 1, 1, 1});
    spikes.data[0] = 1;
    // J = 2, 1, 1/2, 1/4 and U = 2, 2, 3/2, 3/4 before each reset of 1: three spikes of a drive 2/(1 − 1/2) = 4, gain
    // 3/4. The readout weighs a spike by (1/4)·(1 + 1/2 + 1/4 + 1/8)/4 = 15/128.
    const std::vector<int> target{0};
    const std::vector<int64_t> sample{0};
    const FloatArray map = explain(parse_method("gate"), {.engine = &simulator}, {spikes, target, sample});
    EXPECT_NEAR(map.data[0], 15.0 / 128 * 3 * 0.75 * 4, 1e-6);
}

TEST(GatePathOnSpikes, GivesEachWindowTheGainItCameInWith) {
    const Network network = test::small_network("4C3-LIF-MP2-5F-LIF-3F", {2, 7, 9}, 6);
    const CpuEngine simulator(network);
    const test::GateReference reference{network, simulator};
    const Array<uint8_t> spikes = test::test_spikes(steps, 3, network.input_shape());
    const FloatArray map = gate("gate_path:steps=4", simulator, spikes);
    const std::vector<int64_t> ends{0, 2, 4, 6, 9};  // ⌊9k/4⌋
    for (int64_t n = 0; n < 3; ++n) {
        test::Vector expected(map.row_size());
        for (size_t k = 1; k < ends.size(); ++k) {
            const test::Vector gain = reference.gains(beginning(spikes, n, ends[k]), targets[n]).input;
            for (size_t i = 0; i < gain.size(); ++i)
                for (int64_t t = ends[k - 1]; t < ends[k]; ++t) expected[i] += gain[i] * spikes.sub(n).row(t)[i];
        }
        for (size_t i = 0; i < expected.size(); ++i)
            expect_near_reference(map.row(n)[i], expected[i], std::to_string(i));
    }
}

TEST(GatePathOnSpikes, OfOneWindowIsGate) {
    const CpuEngine simulator(test::two_conv_network());
    const Array<uint8_t> spikes = test::test_spikes(steps, 3, {1, 12, 12});
    EXPECT_EQ(gate("gate_path:steps=1", simulator, spikes), gate("gate", simulator, spikes));
    EXPECT_NE(gate("gate_path:steps=3", simulator, spikes), gate("gate", simulator, spikes));
}

TEST(GateOnSpikes, OnlySilenceIsABaseline) {
    const CpuEngine simulator(test::two_conv_network());
    const Array<uint8_t> spikes = test::test_spikes(steps, 3, {1, 12, 12});
    EXPECT_THROW(gate("gate:baseline=blur", simulator, spikes), InputError);
    EXPECT_THROW(gate("gate_path:baseline=mean", simulator, spikes), InputError);
    const FloatArray images = test::test_images(3, {1, 12, 12});
    EXPECT_THROW(explain(parse_method("gate3d"), {.engine = &simulator}, {images, targets, samples}), InputError);
}

}  // namespace
}  // namespace spikelens

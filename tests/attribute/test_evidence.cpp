#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/evidence.h"
#include "spikelens/core/error.h"

#include "gate_reference.h"
#include "small_network.h"

namespace spikelens {
namespace {

void expect_evidence_equals_reference(const Network& network, const Input& input) {
    const CpuEngine simulator(network);
    const test::GateReference reference{network, simulator};
    const std::vector<FilterIndex> filters = response_filters(network);
    const std::vector<int> targets = predictions(simulator.run(input).scores);
    const DoubleArray evidence = filter_evidence(simulator, input, targets);
    ASSERT_EQ(evidence.shape, (Shape{2, static_cast<int64_t>(filters.size())}));
    double largest = 0;
    for (int64_t n = 0; n < 2; ++n) {
        const auto gains = reference.gains(input.select({&n, 1}), targets[n]);
        for (size_t row = 0; row < filters.size(); ++row) {
            const Layer& layer = network.layers[filters[row].layer];
            const int64_t neurons = int64_t{layer.out_height} * layer.out_width;
            double expected = 0;
            for (int64_t i = filters[row].filter * neurons; i < (filters[row].filter + 1) * neurons; ++i)
                expected += gains.counts[filters[row].layer][i] * gains.neurons[filters[row].layer][i];
            EXPECT_NEAR(evidence.row(n)[row], expected, 1e-5 + 1e-4 * std::abs(expected))
                << network_text(network) << ", sample " << n << ", " << filter_name(network, filters[row]);
            largest = std::max(largest, std::abs(expected));
        }
    }
    EXPECT_GT(largest, 0.01) << "the network must spike for this test to mean anything";
}

TEST(FilterEvidence, IsTheSumOfSpikesTimesGain) {
    for (const char* text : {"4C3-LIF-MP2-6C3-LIF-MP2-12F-LIF-5F", "4C3-LIF-AP2-3C3-IF-SP2-5F",
                             "3C3-LIF(alpha=0.4)-3F-LI(beta=0.9)", "4C3-LIF-MP2-3F-LIF", "6F-LIF-5F-LIF-3F"}) {
        const Network network = test::small_network(text, {2, 8, 9}, 5);
        expect_evidence_equals_reference(network, test::test_images(2, {2, 8, 9}));
        expect_evidence_equals_reference(network, test::test_spikes(8, 2, {2, 8, 9}));
    }
}

/// No bias, nothing but excitation up to the readout, no leak and θ = 1: no neuron fires more than its drive.
TEST(FilterEvidence, OfEveryLayerAddsUpToTheScoreWhenAllGatesAreOpen) {
    for (const char* text : {"4C3b0-IF-MP2-5C3b0-IF-MP2-3Fb0", "3C3b0-IF-SP2-4C3b0-IF-AP2-3C3b0-IF-3Fb0"}) {
        Network network = test::small_network(text, {1, 8, 8}, 7, 1.5F);
        for (size_t l = 0; l + 1 < network.layers.size(); ++l) {
            for (float& weight : network.layers[l].weight.data) weight = std::abs(weight);
        }
        const CpuEngine simulator(network);
        const std::vector<int> targets{0, 1, 2};
        const std::vector<FilterIndex> filters = response_filters(network);
        for (const Input& input : {Input(test::test_images(3, {1, 8, 8})), Input(test::test_spikes(11, 3, {1, 8, 8}))}) {
            const DoubleArray evidence = filter_evidence(simulator, input, targets);
            const FloatArray scores = simulator.run(input).scores;
            for (int64_t n = 0; n < 3; ++n) {
                std::vector<double> sum(network.layers.size());
                for (size_t row = 0; row < filters.size(); ++row) sum[filters[row].layer] += evidence.row(n)[row];
                const double score = scores.row(n)[targets[n]];
                EXPECT_GT(std::abs(score), 0.01);
                for (size_t l = 0; l + 1 < sum.size(); ++l)
                    EXPECT_NEAR(sum[l], score, 1e-5 * (1 + std::abs(score))) << text << ", layer " << l << ", sample " << n;
            }
        }
    }
}

TEST(FilterEvidence, DoesNotDependOnTheBatch) {
    const Network network = test::two_conv_network();
    const CpuEngine simulator(network);
    const Input images = test::test_images(4, {1, 12, 12});
    const std::vector<int> targets{0, 4, 2, 2};
    const DoubleArray all = filter_evidence(simulator, images, targets);
    for (int64_t n = 0; n < 4; ++n) {
        const DoubleArray one = filter_evidence(simulator, images.select({&n, 1}), {&targets[n], 1});
        EXPECT_TRUE(std::ranges::equal(one.data, all.row(n)));
    }
}

TEST(FilterEvidence, RefusesTargetsThatDoNotFit) {
    const CpuEngine simulator(test::two_conv_network());
    const Input images = test::test_images(2, {1, 12, 12});
    const std::vector<int> one{0}, outside{0, 5}, negative{-1, 0};
    EXPECT_THROW(filter_evidence(simulator, images, one), InputError);
    EXPECT_THROW(filter_evidence(simulator, images, outside), InputError);
    EXPECT_THROW(filter_evidence(simulator, images, negative), InputError);
    EXPECT_THROW(filter_evidence(simulator, test::test_images(2, {1, 12, 11}), one), InputError);
}

}  // namespace
}  // namespace spikelens

#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/evidence.h"
#include "spikelens/attribute/method.h"
#include "spikelens/core/error.h"

#include "gate_reference.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

void expect_evidence_equals_reference(const Network& network, const Input& input) {
    const CpuEngine simulator(network);
    const test::GateReference reference{network, simulator};
    const std::vector<FilterIndex> filters = response_filters(network);
    const std::vector<int> targets = predictions(simulator.run(input).scores);
    const DoubleArray evidence = filter_evidence(simulator, input, targets, EvidenceRule::gate);
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
        for (const Input& input :
             {Input(test::test_images(3, {1, 8, 8})), Input(test::test_spikes(11, 3, {1, 8, 8}))}) {
            const DoubleArray evidence = filter_evidence(simulator, input, targets, EvidenceRule::gate);
            const FloatArray scores = simulator.run(input).scores;
            for (int64_t n = 0; n < 3; ++n) {
                std::vector<double> sum(network.layers.size());
                for (size_t row = 0; row < filters.size(); ++row) sum[filters[row].layer] += evidence.row(n)[row];
                const double score = scores.row(n)[targets[n]];
                EXPECT_GT(std::abs(score), 0.01);
                for (size_t l = 0; l + 1 < sum.size(); ++l)
                    EXPECT_NEAR(sum[l], score, 1e-5 * (1 + std::abs(score)))
                        << text << ", layer " << l << ", sample " << n;
            }
        }
    }
}

TEST(FilterEvidence, DoesNotDependOnTheBatch) {
    const CpuEngine engine(test::two_conv_network());
    const Input images = test::test_images(4, {1, 12, 12});
    const std::vector<int> targets{0, 4, 2, 2};
    for (const EvidenceRule rule : evidence_rules()) {
        const DoubleArray all = filter_evidence(engine, images, targets, rule);
        for (int64_t n = 0; n < 4; ++n) {
            const DoubleArray one = filter_evidence(engine, images.select({&n, 1}), {&targets[n], 1}, rule);
            EXPECT_TRUE(std::ranges::equal(one.data, all.row(n))) << evidence_name(rule);
        }
    }
}

/// By share, filters and the biases of later layers make up the score at every layer, whatever resets and pools there
/// are.
TEST(FilterEvidence, ByShareAndLaterBiasesAddUpToTheScore) {
    int64_t compared = 0;
    for (const char* text :
         {"4C3-LIF-MP2-5C3-LIF(delay)-AP2-3F", "3C3-LIF(reset=zero,v_reset=0.1)-SP2-4C3-IF-MP2-6F-LIF-3F-LIF",
          "3C3-LIF(reset=none,threshold=0.7)-4C3-LIF(alpha=0.4)-3F-LI(beta=0.8)"}) {
        const Network network = test::small_network(text, {1, 8, 8}, 7);
        const CpuEngine engine(network);
        const std::vector<int> targets{0, 1, 2};
        const std::vector<FilterIndex> filters = response_filters(network);
        for (const Input& input : {Input(test::test_images(3, {1, 8, 8})), Input(test::test_spikes(9, 3, {1, 8, 8}))}) {
            const DoubleArray evidence = filter_evidence(engine, input, targets, EvidenceRule::share);
            const DoubleArray above = share_evidence(engine, input, targets).biases;
            const FloatArray scores = engine.run(input).scores;
            for (int64_t n = 0; n < 3; ++n) {
                std::vector<double> sum(network.layers.size()), size(network.layers.size());
                for (size_t row = 0; row < filters.size(); ++row) {
                    sum[filters[row].layer] += evidence.row(n)[row];
                    size[filters[row].layer] += std::abs(evidence.row(n)[row]);
                }
                const double score = scores.row(n)[targets[n]];
                for (const int l : {0, 1}) {
                    EXPECT_NEAR(sum[l] + above.row(n)[l], score, 1e-5 * std::max(size[l], std::abs(score)))
                        << text << ' ' << l;
                    compared += score != 0;
                }
            }
        }
    }
    EXPECT_GT(compared, 20);
}

/// The layers after one are a network by themselves, whose input are the spikes: Σ of spikes times the shares of that
/// input.
TEST(FilterEvidence, ByShareIsThatOfTheInputOfTheLayersAfter) {
    const Network network = test::small_network("3C3-LIF-4C3-LIF-MP2-3F-LIF", {1, 6, 6}, 8);
    Network after = test::small_network("4C3-LIF-MP2-3F-LIF", {3, 6, 6}, 8);
    for (size_t l = 0; l < after.layers.size(); ++l) {
        after.layers[l].weight = network.layers[l + 1].weight;
        after.layers[l].bias = network.layers[l + 1].bias;
    }
    const CpuEngine engine(network), engine_after(after);
    const Input images = test::test_images(2, {1, 6, 6});
    const std::vector<int> targets{1, 2};
    const std::vector<int64_t> samples{0, 1};
    const DoubleArray evidence = filter_evidence(engine, images, targets, EvidenceRule::share);
    const Input between = engine.run(images, {.layers = {0}, .spikes = true}).layer(0).spikes;
    const FloatArray shares =
        explain(parse_method("share3d:start=class"), {.engine = &engine_after}, {between, targets, samples});
    for (int64_t n = 0; n < 2; ++n) {
        std::vector<double> expected(3);
        for (int64_t i = 0; i < shares.row_size(); ++i) expected[i / 36 % 3] += shares.row(n)[i];
        for (int64_t f = 0; f < 3; ++f)
            EXPECT_NEAR(evidence.row(n)[f], expected[f], 1e-5 * (1 + std::abs(expected[f])));
    }
    // Of a layer as large as the input nothing is resized.
    const FloatArray map =
        explain(parse_method("share:layer=conv1:start=class"), {.engine = &engine}, {images, targets, samples});
    const FloatArray timed =
        explain(parse_method("share3d:layer=conv1:start=class"), {.engine = &engine}, {images, targets, samples});
    ASSERT_EQ(timed.shape, (Shape{2, 8, 1, 6, 6}));
    for (int64_t n = 0; n < 2; ++n)
        for (int64_t i = 0; i < 36; ++i) {
            double over_filters = 0, over_steps = 0;
            for (int64_t j = i; j < shares.row_size(); j += 36) over_filters += shares.row(n)[j];
            for (int64_t j = i; j < timed.row_size(); j += 36) over_steps += timed.row(n)[j];
            EXPECT_NEAR(map.row(n)[i], over_filters, 1e-5);
            EXPECT_NEAR(over_steps, over_filters, 1e-5);
        }
    // The map of some filters is that without the others.
    const RelevantFilters relevant = test::relevant_filters(network, {{0}, {1, 5}, {2}});
    const AttributionContext context{.engine = &engine, .relevant = &relevant};
    const FloatArray of_relevant =
        explain(parse_method("share:layer=conv1:filters=relevant:start=class"), context, {images, targets, samples});
    for (int64_t n = 0; n < 2; ++n) {
        double sum = 0;
        for (const float value : of_relevant.row(n)) sum += value;
        EXPECT_NEAR(sum, evidence.row(n)[targets[n]], 1e-5) << "class 1 has filter 1 of conv1, class 2 filter 2";
    }
}

TEST(FilterEvidence, ByOcclusionIsTheFallOfTheScore) {
    const Network network = test::two_conv_network();
    const CpuEngine engine(network);
    const Input images = test::test_images(2, {1, 12, 12});
    const std::vector<int> targets{3, 1};
    const DoubleArray evidence = filter_evidence(engine, images, targets, EvidenceRule::occlusion);
    const std::vector<FilterIndex> filters = response_filters(network);
    const FloatArray scores = engine.run(images).scores;
    for (size_t row = 0; row < filters.size(); ++row) {
        const FloatArray without = engine.run(images, {}, {&filters[row], 1}).scores;
        for (int64_t n = 0; n < 2; ++n)
            EXPECT_EQ(evidence.row(n)[row], double{scores.row(n)[targets[n]]} - without.row(n)[targets[n]]);
    }
}

TEST(FilterEvidence, ByGradientIsSpikesTimesGradient) {
    const Network network = test::two_conv_network();
    const CpuEngine engine(network);
    const Input images = test::test_images(1, {1, 12, 12});
    const std::vector<int> targets{2};
    const DoubleArray evidence = filter_evidence(engine, images, targets, EvidenceRule::gradient);
    const SpikeGradient second = engine.spike_gradient(images, targets, 1);
    double expected = 0;
    for (int64_t i = 0; i < second.spikes.size(); ++i)
        if (i / 36 % 6 == 4) expected += double{second.spikes.data[i]} * second.gradient.data[i];
    EXPECT_NEAR(evidence.data[4 + 4], expected, 1e-6);
}

TEST(FilterEvidence, RefusesTargetsThatDoNotFit) {
    const CpuEngine simulator(test::two_conv_network());
    const Input images = test::test_images(2, {1, 12, 12});
    const std::vector<int> one{0}, both{0, 1}, outside{0, 5}, negative{-1, 0};
    EXPECT_THROW(filter_evidence(simulator, images, one, EvidenceRule::share), InputError);
    EXPECT_THROW(filter_evidence(simulator, images, outside, EvidenceRule::gradient), InputError);
    EXPECT_THROW(filter_evidence(simulator, images, negative, EvidenceRule::occlusion), InputError);
    EXPECT_THROW(filter_evidence(simulator, test::test_images(2, {1, 12, 11}), both, EvidenceRule::share), InputError);
}

}  // namespace
}  // namespace spikelens

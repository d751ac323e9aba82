#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/core/error.h"

#include "attribute/relevance_sweep.h"
#include "gate_reference.h"
#include "small_network.h"

namespace spikelens {
namespace {

using test::Matrix;
using test::Vector;

constexpr int64_t kSteps = 6, kUnits = 2 * 7 * 6;

/// The definition, word for word, in double and with dense matrices. Currents come from its own products; of the
/// recording it takes potentials and spikes alone.
class Reference {
  public:
    Reference(const Network& network, const Recording& recording, const Input& input, AlphaBeta::Rule rule)
        : network_(network), recording_(recording), rule_(rule), frames_(test::frames_of(input, 0, kSteps)) {
        for (const Layer& layer : network.layers) weights_.push_back(test::dense(layer));
    }

    Vector averaged(int target) const {
        Vector relevance(network_.class_count());
        relevance[target] = recording_.scores.row(0)[target];
        for (size_t l = network_.layers.size(); l-- > 0;) {
            Vector rates(weights_[l].rows), inputs(weights_[l].columns);
            for (int64_t t = 0; t < kSteps; ++t) {
                if (network_.layers[l].neuron) add(rates, spikes(l, t));
                add(inputs, inputs_of(l, t));
            }
            for (double& value : inputs) value /= double{kSteps};
            if (network_.layers[l].neuron) relevance = unpool(l, relevance, rates);
            relevance = through_weights(l, relevance, inputs);
        }
        return relevance;
    }

    /// [T][C·H·W]
    std::vector<Vector> timed(int target) const {
        std::vector<Vector> relevance(kSteps, Vector(network_.class_count()));
        const size_t last = network_.layers.size() - 1;
        for (int64_t t = 0; t < kSteps; ++t)
            if (network_.layers[last].neuron) relevance[t][target] = spikes(last, t)[target] / double{kSteps};
        if (!network_.layers[last].neuron) relevance[kSteps - 1][target] = recording_.scores.row(0)[target];
        for (size_t l = last + 1; l-- > 0;) {
            if (network_.layers[l].neuron)
                for (int64_t t = 0; t < kSteps; ++t) relevance[t] = unpool(l, relevance[t], spikes(l, t));
            relevance = through_time(l, relevance);
            for (int64_t t = 0; t < kSteps; ++t) relevance[t] = through_weights(l, relevance[t], inputs_of(l, t));
        }
        return relevance;
    }

  private:
    static void add(Vector& sum, const Vector& more) {
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    }

    Vector spikes(size_t layer, int64_t t) const {
        const auto row = recording_.layer(static_cast<int>(layer)).spikes.sub(0).row(t);
        return {row.begin(), row.end()};
    }

    Vector inputs_of(size_t layer, int64_t t) const {
        if (layer == 0) return frames_[t];
        const Layer& before = network_.layers[layer - 1];
        const Vector fired = spikes(layer - 1, t);
        if (before.pool.kind == PoolKind::none) return fired;
        Vector sent(weights_[layer].columns);
        for (int64_t w = 0; w < weights_[layer].columns; ++w)
            for (size_t i = 0; i < fired.size(); ++i) {
                if (!test::in_window(before, w, static_cast<int64_t>(i))) continue;
                sent[w] = before.pool.kind == PoolKind::max ? std::max(sent[w], fired[i]) : sent[w] + fired[i];
            }
        if (before.pool.kind == PoolKind::average)
            for (double& value : sent) value /= before.pool.size * before.pool.size;
        return sent;
    }

    Vector unpool(size_t layer, const Vector& relevance, const Vector& fired) const {
        const Layer& of = network_.layers[layer];
        if (of.pool.kind == PoolKind::none) return relevance;
        Vector result(fired.size());
        for (size_t w = 0; w < relevance.size(); ++w) {
            double sum = 0, most = -1;
            size_t winner = 0;
            for (size_t i = 0; i < fired.size(); ++i) {
                if (!test::in_window(of, static_cast<int64_t>(w), static_cast<int64_t>(i))) continue;
                sum += fired[i];
                if (fired[i] > most) most = fired[i], winner = i;
            }
            if (relevance[w] == 0) continue;
            if (of.pool.kind == PoolKind::max) {
                result[winner] += relevance[w];
                continue;
            }
            for (size_t i = 0; i < fired.size(); ++i)
                if (test::in_window(of, static_cast<int64_t>(w), static_cast<int64_t>(i)))
                    result[i] += relevance[w] * fired[i] / sum;
        }
        return result;
    }

    double bias(const Layer& layer, int64_t output) const {
        return layer.has_bias ? layer.bias.data[output / (layer.out_height * layer.out_width)] : 0;
    }

    Vector through_weights(size_t layer, const Vector& relevance, const Vector& inputs) const {
        const Matrix& w = weights_[layer];
        Vector result(w.columns);
        for (int64_t i = 0; i < w.rows; ++i) {
            double above = 0, below = 0;
            for (int64_t j = 0; j < w.columns; ++j) {
                above += std::max(0.0, w.at(i, j) * inputs[j]);
                below += std::min(0.0, w.at(i, j) * inputs[j]);
            }
            if (rule_.bias) {
                above += std::max(0.0, bias(network_.layers[layer], i));
                below += std::min(0.0, bias(network_.layers[layer], i));
            }
            for (int64_t j = 0; j < w.columns; ++j) {
                const double term = w.at(i, j) * inputs[j];
                if (term > 0) result[j] += rule_.alpha * term / above * relevance[i];
                if (term < 0) result[j] -= (rule_.alpha - 1) * term / below * relevance[i];
            }
        }
        return result;
    }

    std::vector<Vector> through_time(size_t layer, const std::vector<Vector>& relevance) const {
        const Layer& of = network_.layers[layer];
        std::vector<Vector> result = relevance;
        for (size_t i = 0; i < relevance[0].size(); ++i) {
            Vector current(kSteps), carried(kSteps), synapse(kSteps);
            double membrane = 0;  // after the reset
            for (int64_t t = 0; t < kSteps; ++t) {
                const double scale =
                    of.neuron ? of.neuron->gain * (of.neuron->decay_input ? 1 - of.neuron->beta : 1.0F) : 1.0;
                current[t] =
                    scale * (product(weights_[layer], inputs_of(layer, t))[i] + bias(of, static_cast<int64_t>(i)));
                const double alpha = of.neuron ? of.neuron->alpha : of.readout_alpha;
                synapse[t] = current[t] + (t > 0 ? alpha * synapse[t - 1] : 0);
                const double beta = of.neuron ? of.neuron->beta : of.readout_beta;
                carried[t] = beta * membrane;
                if (!of.neuron) {
                    membrane = carried[t] + synapse[t];
                    continue;
                }
                const Neuron& neuron = *of.neuron;
                const bool fired = spikes(layer, t)[i] != 0;
                membrane = recording_.layer(static_cast<int>(layer)).potentials.sub(0).row(t)[i];
                if (fired && neuron.reset == Reset::zero) membrane = neuron.v_reset;
                // Delayed, θ leaves a step later, undecayed.
                if (fired && neuron.reset == Reset::subtract)
                    membrane -= neuron.delay ? double{neuron.threshold} / beta : double{neuron.threshold};
            }
            double later = 0, later_synapse = 0;
            for (int64_t t = kSteps; t-- > 0;) {
                const double arrived = relevance[t][i] + later;
                const double kept = std::max(0.0, carried[t]), came = std::max(0.0, synapse[t]);
                later = kept + came > 0 ? arrived * kept / (kept + came) : 0;
                const double at_synapse = (kept + came > 0 ? arrived - later : 0) + later_synapse;
                const double alpha = of.neuron ? of.neuron->alpha : of.readout_alpha;
                const double old = t > 0 ? std::max(0.0, alpha * synapse[t - 1]) : 0, fresh = std::max(0.0, current[t]);
                later_synapse = old + fresh > 0 ? at_synapse * old / (old + fresh) : 0;
                result[t][i] = old + fresh > 0 ? at_synapse - later_synapse : 0;
            }
        }
        return result;
    }

    const Network& network_;
    const Recording& recording_;
    AlphaBeta::Rule rule_;
    std::vector<Vector> frames_;
    std::vector<Matrix> weights_;
};

/// Every kind of neuron, reset, pool and readout.
const std::vector<std::string> kNetworks = {
    "3C3-LIF-MP2-4F-LIF-3F",
    "3C3-LIF(beta=0.8,delay)-AP2-4F-LIF(delay)-3F",
    "2C3s2-LIF(reset=zero)-3C3-LIF(reset=zero,v_reset=-0.3,delay)-SP2-3F-LI(beta=0.7)",
    "4C3-LIF(reset=none,threshold=0.7)-MP3s2-3F-LIF",
    "3C1-LIF(alpha=0.6,decay_input,gain=3)-MP2-5F-IF-3F",
    "6F-LIF-5F-LIF(beta=0.5)-3F-LI(beta=0)",
};
const std::vector<AlphaBeta::Rule> kRules = {{1, false}, {1, true}, {2, false}, {3, true}};

Input input_of(bool spiking) {
    if (spiking) return test::test_spikes(kSteps, 1, {2, 7, 6}, 0.4);
    return test::test_images(1, {2, 7, 6});
}

template <class Check>
void for_each_case(const Check& check) {
    for (const std::string& text : kNetworks)
        for (const bool spiking : {false, true})
            for (const AlphaBeta::Rule& rule : kRules) {
                const Network network = test::small_network(text, {2, 7, 6}, kSteps);
                const CpuEngine engine(network);
                const RelevanceSweep sweep(network, rule);
                const Input input = input_of(spiking);
                SCOPED_TRACE(text + (spiking ? " spikes" : " image") + ", alpha " + std::to_string(rule.alpha));
                check(network, sweep, engine.run(input, sweep.request()), input, rule);
            }
}

double size_of(std::span<const float> values) {
    double sum = 0;
    for (const float value : values) sum += std::abs(value);
    return sum;
}

TEST(Relevance, IsWhatTheDefinitionSays) {
    double largest = 0;
    for_each_case([&](const Network& network, const RelevanceSweep& sweep, const Recording& recording,
                      const Input& input, AlphaBeta::Rule rule) {
        const Reference reference(network, recording, input, rule);
        for (int target = 0; target < 3; ++target) {
            const auto averaged = sweep.averaged(recording, input, 0, kSteps, target).relevance;
            const Vector expected = reference.averaged(target);
            ASSERT_EQ(averaged.size(), expected.size());
            const double size = 1e-6 + size_of(averaged);
            for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(averaged[i], expected[i], 1e-5 * size) << i;
            const auto timed = sweep.timed(recording, input, 0, kSteps, target).relevance;
            const std::vector<Vector> steps = reference.timed(target);
            const double timed_size = 1e-6 + size_of(timed);
            for (int64_t t = 0; t < kSteps; ++t)
                for (int64_t i = 0; i < kUnits; ++i)
                    EXPECT_NEAR(timed[t * kUnits + i], steps[t][i], 2e-5 * timed_size) << t << " " << i;
            largest = std::max(largest, timed_size);
        }
    });
    EXPECT_GT(largest, 0.1);
}

TEST(Relevance, IsConservedAtEveryLayerAndStep) {
    int64_t moved = 0;
    for_each_case([&](const Network&, const RelevanceSweep& sweep, const Recording& recording, const Input& input,
                      AlphaBeta::Rule) {
        for (int target = 0; target < 3; ++target)
            for (const bool timed : {false, true}) {
                const auto result = timed ? sweep.timed(recording, input, 0, kSteps, target)
                                          : sweep.averaged(recording, input, 0, kSteps, target);
                double size = std::abs(result.whole), sum = result.bias + result.lost;
                for (const float value : result.relevance) size += std::abs(value), sum += value;
                EXPECT_NEAR(sum, result.whole, 1e-5 * size);
                for (const RelevanceSweep::Passed& passed : result.passed) {
                    EXPECT_NEAR(passed.in, passed.out + passed.bias + passed.lost, 1e-5 * size)
                        << "layer " << passed.layer << " step " << passed.step;
                    moved += passed.out != 0;
                }
                EXPECT_EQ(result.whole, recording.scores.row(0)[target]);
            }
    });
    EXPECT_GT(moved, 1000);
}

/// Hidden U: 0.6, then 0.3 + 0.9 = 1.2, which spikes and leaves 0.2, then 0.1 + 1.1 = 1.2. The readout holds 0, 1, 2.
TEST(Relevance, OfTwoNeuronsIsWhatTheHandSays) {
    Network network = parse_network("1F-LIF(beta=0.5)-1F", {1, 1, 1}, 3);
    for (Layer& layer : network.layers) layer.bias.data = {0};
    network.layers[0].weight.data = {0.1F};
    network.layers[1].weight.data = {1};
    const CpuEngine engine(network);
    const RelevanceSweep sweep(network, {});
    const Input input = Array<uint8_t>({1, 3, 1, 1, 1}, {6, 9, 11});
    const Recording recording = engine.run(input, sweep.request());
    ASSERT_EQ(recording.layer(0).spikes.data, (std::vector<uint8_t>{0, 1, 1}));
    const auto result = sweep.timed(recording, input, 0, 3, 0);
    const double last = 1.0 / 3, back = last * 0.1 / 1.2, middle = 1.0 / 3 + back;
    EXPECT_NEAR(result.relevance[2], last * 1.1 / 1.2, 1e-6);
    EXPECT_NEAR(result.relevance[1], middle * 0.9 / 1.2, 1e-6);
    EXPECT_NEAR(result.relevance[0], middle * 0.3 / 1.2, 1e-6);
    EXPECT_EQ(result.bias, 0);
    EXPECT_NEAR(result.lost, 0, 1e-9);
    // Averaged: everything came from the one input.
    EXPECT_NEAR(sweep.averaged(recording, input, 0, 3, 0).relevance[0], 2.0 / 3, 1e-6);
}

TEST(Relevance, MethodsSayWhatIsLost) {
    const Network network = test::small_network("3C3-LIF-MP2-4F-LIF-3F", {2, 7, 6}, kSteps);
    const CpuEngine engine(network);
    const AttributionContext context{.engine = &engine};
    const std::vector<int> targets{1};
    const std::vector<int64_t> samples{7};
    for (const char* text : {"slrp", "sltrp", "sltrp:bias=share", "slrp:alpha=2"})
        for (const bool spiking : {false, true}) {
            const Input input = input_of(spiking);
            const AttributionRequest request{input, targets, samples};
            const MethodSpec spec = parse_method(text);
            EXPECT_EQ(completeness_baseline(spec, input), "biases");
            const FloatArray map = explain(spec, context, request);
            const auto said = own_completeness(spec, context, request, map, engine.run(input).scores);
            EXPECT_LE(said[0].gap, 1e-5 * (std::abs(said[0].difference) + size_of(map.data))) << text;
            EXPECT_EQ(said[0].difference, engine.run(input).scores.row(0)[1]);
            const bool shares = std::string(text).find("bias=share") != std::string::npos;
            EXPECT_EQ(said[0].bias != 0, shares) << text;
        }
}

/// Sums of spikes and of currents, joins, pools of currents, groups, neurons that differ, readouts that pool.
const std::vector<std::string> kGraphs = {
    "4C3-LIF-[4C3-LIF-4C3-LIF|]add-MP2-3F",
    "4C3-LIF-[4C3|4C1]add-LIF(decay_input,gain=8)-[4C3-IF|]cat-3F-LIF",
    "4C3-MP3s2p1-LIF(beta=*)-4C3g4-AP2s1-LIF(threshold=**,alpha=0.5)-[3F|3F]add-LI(beta=0.5,alpha=0.25)",
    "4C3-LIF-[4C3-IF|]and-[|4C1-LIF]iand-SP2-3C1-GAP",
    "3C3-LIF-AP2-[3C1-LIF|@conv1-3C3-IF]cat-3C1-LIF-GSP",
};

TEST(Relevance, IsConservedOnGraphs) {
    int64_t moved = 0;
    for (const std::string& text : kGraphs)
        for (const bool spiking : {false, true})
            for (const AlphaBeta::Rule& rule : kRules) {
                const Network network = test::small_network(text, {2, 7, 6}, kSteps);
                const CpuEngine engine(network);
                const RelevanceSweep sweep(network, rule);
                const Input input = input_of(spiking);
                const Recording recording = engine.run(input, sweep.request());
                for (const bool timed : {false, true}) {
                    const auto result = timed ? sweep.timed(recording, input, 0, kSteps, 1)
                                              : sweep.averaged(recording, input, 0, kSteps, 1);
                    double size = std::abs(result.whole), sum = result.bias + result.lost;
                    for (const float value : result.relevance) size += std::abs(value), sum += value;
                    for (const auto& passed : result.passed) size = std::max(size, std::abs(passed.in));
                    EXPECT_NEAR(sum, result.whole, 1e-5 * size)
                        << text << " alpha " << rule.alpha << " timed " << timed;
                    moved += std::ranges::any_of(result.relevance, [](float value) { return value != 0; });
                }
            }
    EXPECT_GT(moved, 50);
}

/// The same network twice: a pool of one pixel and a branch that brings nothing make it a graph.
TEST(Relevance, OfAChainWrittenAsAGraphIsThatOfTheChain) {
    const Network chain = test::small_network("3C3-LIF-MP2-4F-LIF-3F", {2, 7, 6}, kSteps);
    Network graph = parse_network("3C3-LIF-MP2-MP1-[4F|4F]add-LIF-3F", {2, 7, 6}, kSteps);
    graph.layers[0].weight = chain.layers[0].weight, graph.layers[0].bias = chain.layers[0].bias;
    graph.layers[2].weight = chain.layers[1].weight, graph.layers[2].bias = chain.layers[1].bias;
    graph.layers[5].weight = chain.layers[2].weight, graph.layers[5].bias = chain.layers[2].bias;
    ASSERT_FALSE(is_chain(graph));
    for (const bool spiking : {false, true}) {
        const Input input = input_of(spiking);
        const CpuEngine one(chain), other(graph);
        const RelevanceSweep a(chain, {1, true}), b(graph, {1, true});
        const Recording of_chain = one.run(input, a.request()), of_graph = other.run(input, b.request());
        ASSERT_EQ(of_chain.scores, of_graph.scores);
        const auto expected = a.timed(of_chain, input, 0, kSteps, 1), got = b.timed(of_graph, input, 0, kSteps, 1);
        EXPECT_GT(size_of(expected.relevance), 0);
        for (size_t i = 0; i < expected.relevance.size(); ++i)
            EXPECT_NEAR(got.relevance[i], expected.relevance[i], 1e-5 * size_of(expected.relevance)) << i;
    }
}

/// Currents 3 and −2 of one spike: with α = 2 the first gets 2, the second −1 of the score.
TEST(Relevance, OfASumIsSharedByTheSignsOfItsTerms) {
    Network network = parse_network("1F-IF(threshold=0.5,reset=none)-[1F|1F]add", {1, 1, 1}, 1);
    const std::vector<float> weights = {1, 3, -2};
    for (size_t l = 0; l < 3; ++l) network.layers[l].weight.data = {weights[l]}, network.layers[l].bias.data = {0};
    const CpuEngine engine(network);
    const Input input = FloatArray({1, 1, 1, 1}, std::vector<float>{1});
    for (const int alpha : {1, 2}) {
        const RelevanceSweep sweep(network, {alpha, false});
        const auto result = sweep.averaged(engine.run(input, sweep.request()), input, 0, 1, 0);
        EXPECT_EQ(result.whole, 1);
        // α = 2: 2 and −1 at the branches; 2 · 2 and −1 · −1 behind their weights; 2 · 5 at the input.
        EXPECT_NEAR(result.relevance[0], alpha == 1 ? 1 : 10, 1e-6);
        EXPECT_NEAR(result.relevance[0] + result.lost, 1, 1e-6);
    }
}

TEST(Relevance, RefusesRecurrenceAndBackInTimeThresholdsThatAdapt) {
    const Network recurrent = test::small_network("4C3-RC3-LIF-3F", {2, 7, 6}, kSteps);
    EXPECT_THROW(RelevanceSweep(recurrent, {}), InputError);
    const Network adapting = test::small_network("4C3-LIF(adapt=0.5,rho=0.9)-3F", {2, 7, 6}, kSteps);
    const CpuEngine engine(adapting);
    const RelevanceSweep sweep(adapting, {});
    const Input input = input_of(true);
    const Recording recording = engine.run(input, sweep.request());
    EXPECT_NO_THROW(sweep.averaged(recording, input, 0, kSteps, 0));
    EXPECT_THROW(sweep.timed(recording, input, 0, kSteps, 0), InputError);
}

}  // namespace
}  // namespace spikelens

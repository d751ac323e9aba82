#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "graph_activity.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using test::Matrix;
using test::Vector;

/// The pool as a matrix [window, neuron], given what the neurons have at one step.
Matrix routing(const Layer& layer, const Vector& values) {
    const int64_t windows = element_count(layer.pooled_shape());
    Matrix matrix(windows, static_cast<int64_t>(values.size()));
    for (int64_t w = 0; w < windows; ++w) {
        int64_t first = -1, members = 0;
        for (int64_t i = 0; i < matrix.columns; ++i) {
            if (layer.pool.kind == PoolKind::none ? w != i : !test::in_window(layer, w, i)) continue;
            matrix.at(w, i) = 1, ++members;
            if (first < 0 || values[i] > values[first]) first = i;
        }
        for (int64_t i = 0; i < matrix.columns; ++i) {
            if (layer.pool.kind == PoolKind::average) matrix.at(w, i) /= static_cast<double>(members);
            if (layer.pool.kind == PoolKind::max) matrix.at(w, i) = i == first ? 1 : 0;
        }
    }
    return matrix;
}

/// What one unit of the network's input at step t becomes in every layer, followed forwards.
struct Reference {
    const Network& network;
    bool absent;  ///< TSA-NS

    static Neuron neuron_of(const Layer& layer, size_t i) {
        const auto pixels = static_cast<int64_t>(layer.out_height) * layer.out_width, place = static_cast<int64_t>(i);
        return neuron_at(*layer.neuron, layer.values, place / pixels, place % pixels, pixels);
    }

    double score(double spikes, double beta, int64_t ago, size_t neurons) const {
        const double decay = std::pow(beta, static_cast<double>(ago));
        return spikes > 0 ? spikes * decay : absent ? -decay / static_cast<double>(neurons) : 0.0;
    }

    /// The β of the neurons that a layer which reads the input leads to.
    double input_beta(size_t l) const {
        for (size_t next = l + 1; !network.layers[l].neuron && next < network.layers.size(); ++next)
            if (std::ranges::count(network.layers[next].inputs, static_cast<int>(l)) > 0) l = next;
        return network.layers[l].neuron ? network.layers[l].neuron->beta : network.layers[l].readout_beta;
    }

    Vector operation(size_t l, const Vector& unit, double input_score, const std::vector<Vector>& sent,
                     const test::GraphActivity& activity, int64_t t) const {
        const Layer& layer = network.layers[l];
        const auto truth = [&](size_t i) { return activity.sent[layer.inputs[i]][t]; };
        if (layer.weighted() && layer.inputs[0] == kNetworkInput) {
            Vector scored = unit;
            for (double& value : scored) value *= input_score;
            return product(dense_[l], scored);
        }
        if (layer.kind == LayerKind::norm) return naive::normalised(layer, sent[layer.inputs[0]], t, false);
        Vector out = layer.weighted() ? product(dense_[l], sent[layer.inputs[0]]) : sent[layer.inputs[0]];
        for (size_t i = 1; i < layer.inputs.size(); ++i) {
            const Vector& next = sent[layer.inputs[i]];
            if (layer.kind == LayerKind::concat) out.insert(out.end(), next.begin(), next.end());
            for (size_t j = 0; layer.kind != LayerKind::concat && j < out.size(); ++j)
                out[j] = layer.kind == LayerKind::except ? (truth(1)[j] == 0 ? out[j] : 0) : out[j] + next[j];
        }
        for (size_t j = 0; layer.kind == LayerKind::both && j < out.size(); ++j)
            out[j] *= activity.operated[l][t][j] == 1 ? 1.0 / static_cast<double>(layer.inputs.size()) : 0;
        return out;
    }

    /// The paper's product from every unit of the input to the output at step t, times the softmax of the scores, for
    /// `target`.
    Vector map(const Recording& recording, const std::vector<Vector>& input, bool spiking, int64_t t,
               int target) const {
        const test::GraphActivity activity(network, recording, 0, input);
        const int64_t ago = static_cast<int64_t>(input.size()) - 1 - t;
        double sum = 0;
        for (const float value : recording.scores.row(0)) sum += std::exp(double{value});
        const double confidence = std::exp(double{recording.scores.row(0)[target]}) / sum;
        Vector result;
        for (size_t i = 0; i < input[t].size(); ++i) {
            Vector unit(input[t].size());
            unit[i] = 1;
            std::vector<Vector> sent;
            for (size_t l = 0; l < network.layers.size(); ++l) {
                const Layer& layer = network.layers[l];
                const double brought = spiking ? score(input[t][i], input_beta(l), ago, input[t].size()) : input[t][i];
                Vector values = operation(l, unit, brought, sent, activity, t);
                for (size_t j = 0; layer.neuron && j < values.size(); ++j) {
                    const Neuron neuron = neuron_of(layer, j);
                    values[j] *= neuron.gain * (neuron.decay_input ? 1.0 - neuron.beta : 1.0);
                    if (l + 1 < network.layers.size())
                        values[j] *= score(activity.fired[l][t][j], neuron.beta, ago, values.size());
                }
                sent.push_back(product(routing(layer, activity.fired[l][t]), values));
            }
            result.push_back(sent.back()[target] * confidence);
        }
        return result;
    }

    std::vector<Matrix> dense_ = [&] {
        std::vector<Matrix> all;
        for (const Layer& layer : network.layers) all.push_back(layer.weighted() ? test::dense(layer) : Matrix(0, 0));
        return all;
    }();
};

void expect_reference(const std::string& text, int image_steps = 4, int spike_steps = 6) {
    const Shape shape{2, 6, 5};
    const Network network = test::small_network(text, shape, image_steps);
    const CpuEngine simulator(network);
    const std::vector<int> targets{2, 0};
    const std::vector<int64_t> samples{0, 1};
    const std::vector<Input> inputs{test::test_images(2, shape), test::test_spikes(spike_steps, 2, shape)};
    for (const Input& input : inputs) {
        for (const char* name : {"tsa_s", "tsa_ns"}) {
            const FloatArray maps = explain(parse_method(name), {.engine = &simulator}, {input, targets, samples});
            const int64_t steps = input.spiking() ? spike_steps : image_steps;
            ASSERT_EQ(maps.shape, (Shape{2, steps, 2, 6, 5}));
            const Reference reference{network, std::string(name) == "tsa_ns"};
            double largest = 0;
            for (int64_t n = 0; n < 2; ++n) {
                const Recording recording = simulator.run(input.select({&n, 1}), test::all_spikes(network));
                for (int64_t t = 0; t < steps; ++t) {
                    const Vector expected =
                        reference.map(recording, test::frames_of(input, n, steps), input.spiking(), t, targets[n]);
                    for (size_t i = 0; i < expected.size(); ++i) {
                        EXPECT_NEAR(maps.row(n)[t * 60 + i], expected[i], 1e-6 + 1e-4 * std::abs(expected[i]))
                            << text << " " << name << " step " << t << " place " << i;
                        largest = std::max(largest, std::abs(expected[i]));
                    }
                }
            }
            EXPECT_GT(largest, 1e-3) << text << " " << name << ": nothing was tested, the map is zero";
        }
    }
}

TEST(Tsa, EqualsTheProductOfDenseMatrices) {
    for (const char* text :
         {"6F-LIF(beta=0.8)-5F-LIF(beta=0.6)-3F", "3C3-LIF-MP2-4F-LIF(beta=0.5)-3F",
          "3C3-LIF(beta=0.7)-MP2-4C3-LIF-AP2-3F", "3C3s2-LIF-SP2s1-4F-IF-3F-LIF", "3C3p0-LIF-MP3s1-3F-LI(beta=0.9)",
          "3C3-LIF(gain=2,decay_input,beta=0.5)-MP2-6F-LIF(gain=-0.5,threshold=0.2)-3F", "3F"})
        expect_reference(text);
}

TEST(Tsa, OfGraphsEqualsEveryUnitFollowedForwards) {
    for (const char* text :
         {"3C3-LIF-[3C3-LIF(beta=0.6)-3C3-LIF(beta=0.5)|]add-MP2-4F-LIF(beta=0.7)-3F",
          "[3C3|3C1]add-LIF(beta=0.7)-[3C3-LIF|2C1-IF|]cat-3F", "[3C3-LIF(beta=0.5)|3C1-LIF]add-AP2-3F-LIF",
          "4C3g2-MP2-LIF(threshold=**)-[4C3|4C3d2-LIF(beta=0.4)]add-IF-3C1-GAP-LI(beta=0.5)",
          "3C3-LIF-[3C3-LIF|]and-[|3C3-IF(threshold=2)]iand-3C1x3-IF(gain=*)-SP2x1-3F"})
        expect_reference(text);
}

TEST(Tsa, NormalisationsHaveTheFactorsOfTheirStep) {
    expect_reference("3C3-BN5-LIF(beta=0.6)-MP2-4F-BN5-LIF(beta=0.5)-3F-BN5", 5, 5);
}

TEST(Tsa, RefusesRecurrence) {
    const CpuEngine simulator(test::small_network("3C3-LIF-5F-R1-LIF-3F", {2, 6, 5}, 4));
    const Input input = test::test_images(1, {2, 6, 5});
    const std::vector<int64_t> samples{0};
    EXPECT_THROW(explain(parse_method("tsa_s"), {.engine = &simulator}, {input, std::vector{0}, samples}), InputError);
}

/// One input (β of its layer 0.5), one neuron, two classes of weights 1 and −1; spikes at steps 0 and 2 of 3, and the
/// weight 1.2 makes the neuron fire at each. N at steps 0, 1, 2: input .25, 0, 1 and neuron .25, 0, 1 for S; at the
/// silent step, with one neuron in each layer, −.5 for NS. Scores: ±2/3.
TEST(Tsa, OneNeuronWorkedByHand) {
    Network network = parse_network("1Fb0-LIF(beta=0.5)-2Fb0", {1, 1, 1}, 3);
    network.layers[0].weight.data = {1.2F};
    network.layers[1].weight.data = {1, -1};
    const CpuEngine simulator(network);
    const Input input = Array<uint8_t>({1, 3, 1, 1, 1}, {1, 0, 1});
    const std::vector<int64_t> samples{0};
    const double likely = 1 / (1 + std::exp(-4.0 / 3)), unlikely = 1 - likely;
    for (int target : {0, 1}) {
        const std::vector<int> targets{target};
        const auto map = [&](const std::string& name) {
            return explain(parse_method(name), {.engine = &simulator}, {input, targets, samples});
        };
        const double factor = 1.2 * (target == 0 ? likely : -unlikely);
        const FloatArray s = map("tsa_s"), ns = map("tsa_ns");
        for (const FloatArray* both : {&s, &ns}) {
            EXPECT_NEAR(both->data[0], 0.25 * 0.25 * factor, 1e-6);
            EXPECT_NEAR(both->data[2], factor, 1e-6);
        }
        EXPECT_EQ(s.data[1], 0);
        EXPECT_NEAR(ns.data[1], -0.5 * -0.5 * factor, 1e-6);
    }
}

/// At 300 steps the product of the decays is far below the smallest float: what is left is zero, not a value lost on
/// the way.
TEST(Tsa, LongRecordingsKeepTheirPrecision) {
    const Shape shape{1, 6, 6};
    const Network network = test::small_network("3C3-LIF(beta=0.5)-5F-LIF(beta=0.5)-3F", shape, 4);
    const Input input = test::test_spikes(300, 1, shape);
    const std::vector<int> targets{1};
    const std::vector<int64_t> samples{0};
    const CpuEngine simulator(network);
    const FloatArray map = explain(parse_method("tsa_ns"), {.engine = &simulator}, {input, targets, samples});
    const ArrayView<float> steps = map.sub(0);
    EXPECT_TRUE(std::ranges::all_of(map.data, [](float value) { return std::isfinite(value); }));
    EXPECT_TRUE(std::ranges::all_of(steps.row(0), [](float value) { return value == 0; }));
    EXPECT_TRUE(std::ranges::any_of(steps.row(299), [](float value) { return value != 0; }));
    const Reference reference{network, true};
    const auto frames = test::frames_of(input, 0, 300);
    const Recording recording = simulator.run(input, test::all_spikes(network));
    for (int64_t t : {290, 298, 299}) {
        const Vector expected = reference.map(recording, frames, true, t, 1);
        double largest = 0;
        for (double value : expected) largest = std::max(largest, std::abs(value));
        for (size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(steps.row(t)[i], expected[i], 1e-5 * largest) << "step " << t;
    }
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "small_network.h"
#include "snn/naive_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using Vector = std::vector<double>;
using Matrix = std::vector<Vector>;  ///< [from][to]

Matrix product(const Matrix& a, const Matrix& b) {
    Matrix result(a.size(), Vector(b[0].size()));
    for (size_t i = 0; i < a.size(); ++i)
        for (size_t k = 0; k < b.size(); ++k)
            for (size_t j = 0; j < b[k].size(); ++j) result[i][j] += a[i][k] * b[k][j];
    return result;
}

/// The layer's weights from every input to every neuron, times its neuron's scale of the current: one unit vector at a time.
Matrix weights(const Layer& layer) {
    const int64_t in = int64_t{layer.in_channels} * layer.in_height * layer.in_width;
    const double scale = layer.neuron ? layer.neuron->gain * (layer.neuron->decay_input ? 1.0 - layer.neuron->beta : 1.0) : 1.0;
    Matrix matrix(in);
    for (int64_t i = 0; i < in; ++i) {
        Vector unit(in), none(in);
        unit[i] = 1;
        for (int o = 0; o < layer.out_channels; ++o)
            for (int y = 0; y < layer.out_height; ++y)
                for (int x = 0; x < layer.out_width; ++x)
                    matrix[i].push_back(
                        scale * (naive::weighted_sum(layer, unit, o, y, x) - naive::weighted_sum(layer, none, o, y, x)));
    }
    return matrix;
}

/// The pool as a matrix from neurons to windows, given the spikes of one step.
Matrix routing(const Layer& layer, const uint8_t* spikes) {
    const int windows = layer.out_channels * layer.pooled_height * layer.pooled_width;
    Matrix matrix(int64_t{layer.out_channels} * layer.out_height * layer.out_width, Vector(windows));
    for (int w = 0; w < windows; ++w) {
        if (layer.pool.kind == PoolKind::none) {
            matrix[w][w] = 1;
            continue;
        }
        const int top = w / layer.pooled_width % layer.pooled_height * layer.pool.stride;
        const int left = w % layer.pooled_width * layer.pool.stride, channel = w / layer.pooled_width / layer.pooled_height;
        int first = -1;
        for (int y = top; y < top + layer.pool.size; ++y)
            for (int x = left; x < left + layer.pool.size; ++x) {
                const int neuron = (channel * layer.out_height + y) * layer.out_width + x;
                if (first < 0 || spikes[neuron] > spikes[first]) first = neuron;
                if (layer.pool.kind == PoolKind::sum) matrix[neuron][w] = 1;
                if (layer.pool.kind == PoolKind::average) matrix[neuron][w] = 1.0 / (layer.pool.size * layer.pool.size);
            }
        if (layer.pool.kind == PoolKind::max) matrix[first][w] = 1;
    }
    return matrix;
}

struct Reference {
    const Network& network;
    bool absent;  ///< TSA-NS

    double score(double spikes, double beta, int64_t ago, size_t neurons) const {
        const double decay = std::pow(beta, static_cast<double>(ago));
        return spikes > 0 ? spikes * decay : absent ? -decay / static_cast<double>(neurons) : 0.0;
    }

    /// The paper's product from the input to the output at step t, times the softmax of the scores: column `target`.
    Vector map(const std::vector<Vector>& input, bool spiking, int64_t t, int target) const {
        const naive::Activity activity = naive::simulate(network, input);
        const auto steps = static_cast<int64_t>(input.size());
        const int64_t ago = steps - 1 - t;
        const Layer& first = network.layers[0];
        Matrix chain(input[t].size(), Vector(input[t].size()));
        for (size_t i = 0; i < chain.size(); ++i) {
            const double beta = first.neuron ? first.neuron->beta : first.readout_beta;
            chain[i][i] = spiking ? score(input[t][i], beta, ago, chain.size()) : input[t][i];
        }
        for (size_t l = 0; l < network.layers.size(); ++l) {
            chain = product(chain, weights(network.layers[l]));
            if (l + 1 == network.layers.size()) break;
            const size_t neurons = chain[0].size();
            const uint8_t* spikes = activity.spikes[l].data() + t * neurons;
            Matrix diagonal(neurons, Vector(neurons));
            for (size_t i = 0; i < neurons; ++i)
                diagonal[i][i] = score(spikes[i], network.layers[l].neuron->beta, ago, neurons);
            chain = product(product(chain, diagonal), routing(network.layers[l], spikes));
        }
        double sum = 0;
        for (double value : activity.scores) sum += std::exp(value);
        Vector result;
        for (const Vector& row : chain) result.push_back(row[target] * std::exp(activity.scores[target]) / sum);
        return result;
    }
};

void expect_reference(const std::string& text) {
    const Shape shape{2, 6, 5};
    const Network network = test::small_network(text, shape, 4);
    const CpuEngine simulator(network);
    const std::vector<int> targets{2, 0};
    const std::vector<int64_t> samples{0, 1};
    const std::vector<Input> inputs{test::test_images(2, shape), test::test_spikes(6, 2, shape)};
    for (const Input& input : inputs) {
        for (const char* name : {"tsa_s", "tsa_ns"}) {
            const FloatArray maps = explain(parse_method(name), {.engine = &simulator}, {input, targets, samples});
            const int64_t steps = input.spiking() ? 6 : 4;
            ASSERT_EQ(maps.shape, (Shape{2, steps, 2, 6, 5}));
            const Reference reference{network, std::string(name) == "tsa_ns"};
            double largest = 0;
            for (int64_t n = 0; n < 2; ++n) {
                for (int64_t t = 0; t < steps; ++t) {
                    const Vector expected = reference.map(test::frames_of(input, n, steps), input.spiking(), t, targets[n]);
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
         {"6F-LIF(beta=0.8)-5F-LIF(beta=0.6)-3F", "3C3-LIF-MP2-4F-LIF(beta=0.5)-3F", "3C3-LIF(beta=0.7)-MP2-4C3-LIF-AP2-3F",
          "3C3s2-LIF-SP2s1-4F-IF-3F-LIF", "3C3p0-LIF-MP3s1-3F-LI(beta=0.9)",
          "3C3-LIF(gain=2,decay_input,beta=0.5)-MP2-6F-LIF(gain=-0.5,threshold=0.2)-3F", "3F"})
        expect_reference(text);
}

/// One input (β of its layer 0.5), one neuron, two classes of weights 1 and −1; spikes at steps 0 and 2 of 3, and the
/// weight 1.2 makes the neuron fire at each. N at steps 0, 1, 2: input .25, 0, 1 and neuron .25, 0, 1 for S; at the silent
/// step, with one neuron in each layer, −.5 for NS. Scores: ±2/3.
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

/// At 300 steps the product of the decays is far below the smallest float: what is left is zero, not a value lost on the way.
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
    for (int64_t t : {290, 298, 299}) {
        const Vector expected = reference.map(frames, true, t, 1);
        double largest = 0;
        for (double value : expected) largest = std::max(largest, std::abs(value));
        for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(steps.row(t)[i], expected[i], 1e-5 * largest) << "step " << t;
    }
}

}  // namespace
}  // namespace spikelens

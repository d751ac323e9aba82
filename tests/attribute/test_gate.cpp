#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"

#include "small_network.h"

namespace spikelens {
namespace {

using Vector = std::vector<double>;

struct Matrix {
    int64_t rows = 0, columns = 0;
    Vector values;
    Matrix(int64_t r, int64_t c) : rows(r), columns(c), values(r * c) {}
    double& at(int64_t r, int64_t c) { return values[r * columns + c]; }
    double at(int64_t r, int64_t c) const { return values[r * columns + c]; }
};

Vector product(const Matrix& matrix, const Vector& vector) {
    Vector result(matrix.rows);
    for (int64_t r = 0; r < matrix.rows; ++r) {
        for (int64_t c = 0; c < matrix.columns; ++c) result[r] += matrix.at(r, c) * vector[c];
    }
    return result;
}

/// vectorᵀ · matrix
Vector product(const Vector& vector, const Matrix& matrix) {
    Vector result(matrix.columns);
    for (int64_t r = 0; r < matrix.rows; ++r) {
        for (int64_t c = 0; c < matrix.columns; ++c) result[c] += vector[r] * matrix.at(r, c);
    }
    return result;
}

/// A layer's weights as one dense matrix: entry (output neuron, input neuron).
Matrix dense(const Layer& layer) {
    const int64_t in_pixels = layer.in_height * layer.in_width, out_pixels = layer.out_height * layer.out_width;
    Matrix matrix(layer.out_channels * out_pixels, layer.in_channels * in_pixels);
    if (layer.kind == LayerKind::full) {
        std::ranges::copy(layer.weight.data, matrix.values.begin());
        return matrix;
    }
    const int64_t k = layer.kernel;
    for (int64_t r = 0; r < matrix.rows; ++r) {
        for (int64_t c = 0; c < matrix.columns; ++c) {
            const int64_t oy = r % out_pixels / layer.out_width, ox = r % layer.out_width;
            const int64_t y = c % in_pixels / layer.in_width, x = c % layer.in_width;
            const int64_t ky = y - (oy * layer.stride - layer.padding), kx = x - (ox * layer.stride - layer.padding);
            if (ky < 0 || ky >= k || kx < 0 || kx >= k) continue;
            matrix.at(r, c) = layer.weight.data[((r / out_pixels * layer.in_channels + c / in_pixels) * k + ky) * k + kx];
        }
    }
    return matrix;
}

bool in_window(const Layer& layer, int64_t window, int64_t neuron) {
    const int64_t windows = layer.pooled_height * layer.pooled_width, neurons = layer.out_height * layer.out_width;
    if (window / windows != neuron / neurons) return false;
    const int64_t row = neuron % neurons / layer.out_width - window % windows / layer.pooled_width * layer.pool.stride;
    const int64_t column = neuron % layer.out_width - window % layer.pooled_width * layer.pool.stride;
    return row >= 0 && row < layer.pool.size && column >= 0 && column < layer.pool.size;
}

/// The reference keeps every quantity of the definition as a vector or a dense matrix in double, from recorded spikes alone.
struct Reference {
    const Network& network;
    const Simulator& simulator;

    /// Input of the next layer summed over steps, and the routing matrix from neurons to it.
    std::pair<Vector, Matrix> pool(const Layer& layer, const std::vector<Vector>& spikes, const Vector& counts) const {
        const bool pooled = layer.pool.kind != PoolKind::none;
        const auto neurons = static_cast<int64_t>(counts.size());
        const int64_t windows = pooled ? int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width : neurons;
        Vector input(windows);
        Matrix routing(windows, neurons);
        for (int64_t w = 0; w < windows; ++w) {
            std::vector<int64_t> members;
            for (int64_t i = 0; i < neurons; ++i) {
                if (pooled ? in_window(layer, w, i) : w == i) members.push_back(i);
            }
            double spikes_inside = 0;
            for (int64_t i : members) spikes_inside += counts[i];
            for (const Vector& step : spikes) {
                double any = 0, sum = 0;
                for (int64_t i : members) any = std::max(any, step[i]), sum += step[i];
                input[w] += layer.pool.kind == PoolKind::average ? sum / static_cast<double>(members.size()) : any;
            }
            for (int64_t i : members) {
                const double share = spikes_inside > 0 ? input[w] / spikes_inside : 0;
                routing.at(w, i) = layer.pool.kind == PoolKind::average ? 1.0 / static_cast<double>(members.size()) : share;
            }
        }
        return {input, routing};
    }

    Vector input_gain(const FloatArray& image, int target) const {
        const auto last = network.layers.size() - 1;
        RecordRequest request{.layers = {}, .spikes = true};
        for (size_t l = 0; l <= last; ++l) {
            if (network.layers[l].neuron) request.layers.push_back(static_cast<int>(l));
        }
        const Recording recording = simulator.run(image, request);
        const double steps = network.steps;
        std::vector<Matrix> chain;  // forward Jacobians: score = … · routing · gates · W · x
        Vector input(image.data.begin(), image.data.end());
        for (double& value : input) value *= steps;
        for (size_t l = 0; l <= last; ++l) {
            const Layer& layer = network.layers[l];
            Matrix jacobian = dense(layer);
            if (!layer.neuron) {
                chain.push_back(jacobian);
                continue;
            }
            const Neuron& neuron = *layer.neuron;
            const double scale = neuron.gain * (neuron.decay_input ? 1.0 - neuron.beta : 1.0);
            Vector drive = product(jacobian, input);
            const int64_t per_filter = jacobian.rows / layer.out_channels;
            const Array<uint8_t>& recorded = recording.layer(static_cast<int>(l)).spikes;
            std::vector<Vector> spikes;
            Vector counts(jacobian.rows);
            for (int64_t t = 0; t < network.steps; ++t) {
                const auto row = recorded.row(t);
                spikes.emplace_back(row.begin(), row.end());
                for (int64_t i = 0; i < jacobian.rows; ++i) counts[i] += row[i];
            }
            for (int64_t i = 0; i < jacobian.rows; ++i) {
                drive[i] = scale * (drive[i] + (layer.has_bias ? steps * layer.bias.data[i / per_filter] : 0.0));
                const double gate = counts[i] > 0 && drive[i] > 0 ? std::clamp(counts[i] / drive[i], 0.0, 1.0) : 0.0;
                for (int64_t c = 0; c < jacobian.columns; ++c) jacobian.at(i, c) *= gate * scale;
            }
            chain.push_back(jacobian);
            if (l == last) break;
            auto [next, routing] = pool(layer, spikes, counts);
            chain.push_back(routing);
            input = next;
        }
        Vector gain(network.class_count());
        gain[target] = 1 / steps;
        for (size_t i = chain.size(); i-- > 0;) gain = product(gain, chain[i]);
        for (double& value : gain) value *= steps;
        return gain;
    }
};

void expect_gate_equals_reference(const Network& network, int64_t path_steps, const std::string& options) {
    const Simulator simulator(network);
    const Reference reference{network, simulator};
    const Shape shape = network.input_shape();
    const FloatArray images = test::test_images(3, shape);
    const FloatArray baseline = baseline_images(images, options.empty() ? Baseline::black : Baseline::mean);
    const std::vector<int> targets{0, 2, 1};
    const std::vector<int64_t> samples{0, 1, 2};
    const std::string spec = path_steps == 1 ? "gate" + options : "gate_path:steps=" + std::to_string(path_steps) + options;
    const FloatArray maps = explain(parse_method(spec), {.simulator = &simulator}, {images, targets, samples});
    ASSERT_EQ(maps.shape, images.shape);
    double largest = 0;
    for (int64_t n = 0; n < 3; ++n) {
        Vector gain(images.row_size());
        for (int64_t k = 1; k <= path_steps; ++k) {
            FloatArray point({1, shape[0], shape[1], shape[2]});
            for (int64_t i = 0; i < point.size(); ++i) {
                const float share = static_cast<float>(k) / static_cast<float>(path_steps);
                const float from = baseline.row(n)[i], to = images.row(n)[i];
                point.data[i] = k == path_steps ? to : from + share * (to - from);
            }
            const Vector at_point = reference.input_gain(point, targets[n]);
            for (size_t i = 0; i < gain.size(); ++i) gain[i] += at_point[i] / static_cast<double>(path_steps);
        }
        for (size_t i = 0; i < gain.size(); ++i) {
            const double expected = gain[i] * (images.row(n)[i] - baseline.row(n)[i]);
            EXPECT_NEAR(maps.row(n)[i], expected, 1e-5 + 1e-4 * std::abs(expected))
                << spec << ", sample " << n << ", input " << i;
            largest = std::max(largest, std::abs(expected));
        }
    }
    EXPECT_GT(largest, 0.01) << "the network must spike for this test to mean anything";
}

TEST(Gate, EqualsTheProductOfDenseMatrices) {
    expect_gate_equals_reference(test::two_conv_network(), 1, "");
    expect_gate_equals_reference(test::two_conv_network({2, 12, 12}), 1, ":baseline=mean");
}

TEST(Gate, OfOtherPoolsStridesAndNeurons) {
    for (const char* text :
         {"4C3-LIF-AP2-5F-LIF-3F", "4C3s2-LIF-6C3p0-IF-5F-LIF-3F", "4C3-LIF-MP3s2-3F", "4C3b0-LIF-MP2-3F-LIF",
          "4C3-LIF(gain=2,decay_input,beta=0.5)-MP2-6F-LIF(gain=0.5)-3F", "8F-LIF-3F",
          // A threshold this low makes more spikes than drive: gates at their limit.
          "4C3-LIF(threshold=0.05,decay_input,beta=0.8)-MP2-6F-LIF(threshold=0.1)-3F"}) {
        expect_gate_equals_reference(test::small_network(text, {1, 7, 9}, 6), 1, "");
    }
}

TEST(GatePath, AveragesTheGainAlongThePath) {
    expect_gate_equals_reference(test::two_conv_network(), 4, "");
    expect_gate_equals_reference(test::two_conv_network(), 3, ":baseline=mean");
}

TEST(GatePath, OfOneStepIsGate) {
    const Network network = test::two_conv_network();
    const Simulator simulator(network);
    const FloatArray images = test::test_images(2, {1, 12, 12});
    const std::vector<int> targets{0, 3};
    const std::vector<int64_t> samples{0, 1};
    const AttributionContext context{.simulator = &simulator};
    EXPECT_EQ(explain(parse_method("gate_path:steps=1"), context, {images, targets, samples}),
              explain(parse_method("gate"), context, {images, targets, samples}));
}

}  // namespace
}  // namespace spikelens

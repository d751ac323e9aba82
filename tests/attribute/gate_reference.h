#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "spikelens/snn/engine.h"

#include "spiking_input.h"

namespace spikelens::test {

using Vector = std::vector<double>;

struct Matrix {
    int64_t rows = 0, columns = 0;
    Vector values;
    Matrix(int64_t r, int64_t c) : rows(r), columns(c), values(r * c) {}
    double& at(int64_t r, int64_t c) { return values[r * columns + c]; }
    double at(int64_t r, int64_t c) const { return values[r * columns + c]; }
};

inline Vector product(const Matrix& matrix, const Vector& vector) {
    Vector result(matrix.rows);
    for (int64_t r = 0; r < matrix.rows; ++r) {
        for (int64_t c = 0; c < matrix.columns; ++c) result[r] += matrix.at(r, c) * vector[c];
    }
    return result;
}

/// vectorᵀ · matrix
inline Vector product(const Vector& vector, const Matrix& matrix) {
    Vector result(matrix.columns);
    for (int64_t r = 0; r < matrix.rows; ++r) {
        for (int64_t c = 0; c < matrix.columns; ++c) result[c] += vector[r] * matrix.at(r, c);
    }
    return result;
}

/// A layer's weights as one dense matrix: entry (output neuron, input neuron).
inline Matrix dense(const Layer& layer) {
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

inline bool in_window(const Layer& layer, int64_t window, int64_t neuron) {
    const int64_t windows = layer.pooled_height * layer.pooled_width, neurons = layer.out_height * layer.out_width;
    if (window / windows != neuron / neurons) return false;
    const int64_t row = neuron % neurons / layer.out_width - window % windows / layer.pooled_width * layer.pool.stride;
    const int64_t column = neuron % layer.out_width - window % layer.pooled_width * layer.pool.stride;
    return row >= 0 && row < layer.pool.size && column >= 0 && column < layer.pool.size;
}

/// The reference keeps every quantity of the definition as a vector or a dense matrix in double, from recorded spikes alone.
struct GateReference {
    const Network& network;
    const CpuEngine& simulator;

    /// Input of the next layer summed over steps, and the routing matrix from neurons to it.
    std::pair<Vector, Matrix> pool(const Layer& layer, const std::vector<Vector>& spikes, const Vector& counts) const {
        const bool pooled = layer.pool.kind != PoolKind::none;
        const auto neurons = static_cast<int64_t>(counts.size());
        const int64_t windows = pooled ? int64_t{layer.out_channels} * layer.pooled_height * layer.pooled_width : neurons;
        const bool sums = layer.pool.kind == PoolKind::average || layer.pool.kind == PoolKind::sum;
        const double unit = layer.pool.kind == PoolKind::average ? 1.0 / (layer.pool.size * layer.pool.size) : 1.0;
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
                input[w] += sums ? unit * sum : any;
            }
            const double share = spikes_inside > 0 ? input[w] / spikes_inside : 0;
            for (int64_t i : members) routing.at(w, i) = sums ? unit : share;
        }
        return {input, routing};
    }

    /// What one unit of the input and one spike of each layer's neurons (before its pool) brought to the score.
    struct Gains {
        Vector input;
        std::vector<Vector> neurons, counts;  // of every layer with a neuron
    };

    /// Of an input of one sample.
    Gains gains(const Input& shown, int target) const {
        const auto last = network.layers.size() - 1;
        RecordRequest request{.layers = {}, .spikes = true};
        for (size_t l = 0; l <= last; ++l) {
            if (network.layers[l].neuron) request.layers.push_back(static_cast<int>(l));
        }
        const Recording recording = simulator.run(shown, request);
        const int64_t steps = shown.spiking() ? shown.steps() : network.steps;
        Vector input(element_count(network.input_shape()));
        for (const Vector& frame : frames_of(shown, 0, steps)) {
            for (size_t i = 0; i < input.size(); ++i) input[i] += frame[i];
        }
        Gains result;
        std::vector<Matrix> jacobians, routings;  // score = … · routing · jacobian · x
        for (size_t l = 0; l <= last; ++l) {
            const Layer& layer = network.layers[l];
            Matrix jacobian = dense(layer);
            if (!layer.neuron) {
                jacobians.push_back(jacobian);
                continue;
            }
            const Neuron& neuron = *layer.neuron;
            const double scale =
                double(neuron.gain) * (neuron.decay_input ? 1.0 - neuron.beta : 1.0) / (1.0 - double(neuron.alpha));
            Vector drive = product(jacobian, input);
            const int64_t per_filter = jacobian.rows / layer.out_channels;
            const ArrayView<uint8_t> recorded = recording.layer(static_cast<int>(l)).spikes.sub(0);
            std::vector<Vector> spikes;
            Vector counts(jacobian.rows);
            for (int64_t t = 0; t < steps; ++t) {
                const auto row = recorded.row(t);
                spikes.emplace_back(row.begin(), row.end());
                for (int64_t i = 0; i < jacobian.rows; ++i) counts[i] += row[i];
            }
            for (int64_t i = 0; i < jacobian.rows; ++i) {
                const double bias = layer.has_bias ? layer.bias.data[i / per_filter] : 0.0;
                drive[i] = scale * (drive[i] + static_cast<double>(steps) * bias);
                const double gate = counts[i] > 0 && drive[i] > 0 ? std::clamp(counts[i] / drive[i], 0.0, 1.0) : 0.0;
                for (int64_t c = 0; c < jacobian.columns; ++c) jacobian.at(i, c) *= gate * scale;
            }
            jacobians.push_back(jacobian);
            auto [next, routing] = pool(layer, spikes, counts);
            routings.push_back(routing);
            result.counts.push_back(counts);
            input = next;
        }
        Vector gain(network.class_count());
        gain[target] = readout_weight(static_cast<double>(steps));
        for (size_t l = last + 1; l-- > 0;) {
            if (l < routings.size()) {
                gain = product(gain, routings[l]);
                result.neurons.insert(result.neurons.begin(), gain);
            }
            gain = product(gain, jacobians[l]);
        }
        for (double& value : gain) value *= shown.spiking() ? 1 : static_cast<double>(steps);
        result.input = gain;
        return result;
    }

  private:
    /// Mean of β^(T−1−t), over T.
    double readout_weight(double steps) const {
        double sum = 0, power = 1;
        for (int t = 0; t < steps; ++t, power *= double(network.layers.back().readout_beta)) sum += power;
        return sum / steps / steps;
    }
};

}  // namespace spikelens::test

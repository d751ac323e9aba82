#pragma once

#include <algorithm>
#include <vector>

#include "spikelens/snn/engine.h"

#include "snn/naive_network.h"

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

/// A matrix [output neuron, input neuron] of what sum(input, channel, row, column) makes of one unit after the other.
template <class Sum>
Matrix dense(const Shape& out, int64_t inputs, const Sum& sum) {
    Matrix matrix(element_count(out), inputs);
    for (int64_t c = 0; c < inputs; ++c) {
        Vector unit(inputs), none(inputs);
        unit[c] = 1;
        for (int64_t r = 0; r < matrix.rows; ++r) {
            const auto o = static_cast<int>(r / (out[1] * out[2]));
            const auto row = static_cast<int>(r / out[2] % out[1]), column = static_cast<int>(r % out[2]);
            matrix.at(r, c) = sum(unit, o, row, column) - sum(none, o, row, column);
        }
    }
    return matrix;
}

/// A layer's weights.
inline Matrix dense(const Layer& layer) {
    const int64_t inputs = element_count(layer.input_shape());
    return dense(layer.output_shape(), inputs, [&](const Vector& input, int o, int row, int column) {
        return naive::weighted_sum(layer, input, o, row, column);
    });
}

/// Those of its recurrence.
inline Matrix dense_recurrence(const Layer& layer) {
    const int64_t neurons = element_count(layer.output_shape());
    return dense(layer.output_shape(), neurons, [&](const Vector& before, int o, int row, int column) {
        return naive::recurrent_sum(layer, before, o, row, column);
    });
}

inline bool in_window(const Layer& layer, int64_t window, int64_t neuron) {
    const int64_t windows = layer.pooled_height * layer.pooled_width, neurons = layer.out_height * layer.out_width;
    if (window / windows != neuron / neurons) return false;
    const Pool& pool = layer.pool;
    const int64_t row = neuron % neurons / layer.out_width - window % windows / layer.pooled_width * pool.stride;
    const int64_t column = neuron % layer.out_width - window % layer.pooled_width * pool.stride_columns();
    return row >= 0 && row < pool.size && column >= 0 && column < pool.columns();
}

/// What the layers of one sample had at each step: recorded spikes, and what follows from them by the definitions, in
/// double.
struct GraphActivity {
    std::vector<std::vector<Vector>> operated, fired,
        sent;  ///< [layer][step]: before the neuron, the pool, and after it

    GraphActivity(const Network& network, const Recording& recording, int64_t n, const std::vector<Vector>& input) {
        for (size_t l = 0; l < network.layers.size(); ++l) {
            const Layer& layer = network.layers[l];
            operated.emplace_back(), fired.emplace_back(), sent.emplace_back();
            for (size_t t = 0; t < input.size(); ++t) {
                operated[l].push_back(operation(layer, input, t));
                if (layer.neuron) {
                    const auto spikes = recording.layer(static_cast<int>(l)).spikes.sub(n).row(static_cast<int64_t>(t));
                    fired[l].emplace_back(spikes.begin(), spikes.end());
                } else {
                    fired[l].push_back(operated[l][t]);
                }
                sent[l].push_back(naive::pooled(layer, fired[l][t]));
            }
        }
    }

  private:
    Vector operation(const Layer& layer, const std::vector<Vector>& input, size_t t) const {
        const auto from = [&](size_t i) -> const Vector& {
            return layer.inputs[i] == kNetworkInput ? input[t] : sent[layer.inputs[i]][t];
        };
        if (layer.kind == LayerKind::norm) return naive::normalised(layer, from(0), static_cast<int64_t>(t));
        Vector out = layer.weighted() ? Vector{} : from(0);
        for (int o = 0; layer.weighted() && o < layer.out_channels; ++o)
            for (int row = 0; row < layer.out_height; ++row)
                for (int column = 0; column < layer.out_width; ++column)
                    out.push_back(naive::weighted_sum(layer, from(0), o, row, column));
        for (size_t i = 1; i < layer.inputs.size(); ++i) {
            if (layer.kind == LayerKind::concat) out.insert(out.end(), from(i).begin(), from(i).end());
            for (size_t j = 0; layer.kind != LayerKind::concat && j < out.size(); ++j)
                out[j] = layer.kind == LayerKind::add    ? out[j] + from(i)[j]
                         : layer.kind == LayerKind::both ? out[j] * from(i)[j]
                                                         : out[j] * (1 - from(i)[j]);
        }
        return out;
    }
};

/// The spikes and potentials of all layers that have neurons.
inline RecordRequest all_spikes(const Network& network) {
    RecordRequest request{.layers = {}, .spikes = true, .potentials = true};
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].neuron) request.layers.push_back(static_cast<int>(l));
    return request;
}

}  // namespace spikelens::test

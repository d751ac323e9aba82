#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/snn/network.h"

namespace spikelens::naive {

/// The definition of a spiking network, neuron by neuron and step by step in double: slow, obvious, sharing nothing with the
/// library's paths.
struct Activity {
    std::vector<double> scores;
    std::vector<std::vector<uint8_t>> spikes;     // per layer [T][C][H][W]
    std::vector<std::vector<double>> potentials;  // when compared with the threshold
};

inline double weighted_sum(const Layer& layer, const std::vector<double>& input, int o, int row, int column) {
    double sum = layer.has_bias ? layer.bias.data[o] : 0.0;
    if (layer.kind == LayerKind::full) {
        for (size_t i = 0; i < input.size(); ++i) sum += layer.weight.data[o * input.size() + i] * input[i];
        return sum;
    }
    for (int c = 0; c < layer.in_channels; ++c)
        for (int ky = 0; ky < layer.kernel; ++ky)
            for (int kx = 0; kx < layer.kernel; ++kx) {
                const int y = row * layer.stride - layer.padding + ky, x = column * layer.stride - layer.padding + kx;
                if (y < 0 || x < 0 || y >= layer.in_height || x >= layer.in_width) continue;
                sum += layer.weight.data[((o * layer.in_channels + c) * layer.kernel + ky) * layer.kernel + kx] *
                       input[(c * layer.in_height + y) * layer.in_width + x];
            }
    return sum;
}

inline std::vector<double> pooled(const Layer& layer, const std::vector<uint8_t>& spikes) {
    std::vector<double> out;
    const Pool& pool = layer.pool;
    for (int c = 0; c < layer.out_channels; ++c)
        for (int row = 0; row < layer.pooled_height; ++row)
            for (int column = 0; column < layer.pooled_width; ++column) {
                double most = 0, sum = 0;
                for (int i = 0; i < pool.size; ++i)
                    for (int j = 0; j < pool.size; ++j) {
                        const double s =
                            spikes[(c * layer.out_height + row * pool.stride + i) * layer.out_width + column * pool.stride + j];
                        most = std::max(most, s);
                        sum += s;
                    }
                out.push_back(pool.kind == PoolKind::max       ? most
                              : pool.kind == PoolKind::average ? sum / (pool.size * pool.size)
                                                               : sum);
            }
    return out;
}

/// inputs[t]: [C, H, W] flattened.
inline Activity simulate(const Network& network, const std::vector<std::vector<double>>& inputs,
                         const std::vector<FilterIndex>& ablated = {}) {
    Activity activity;
    std::vector<std::vector<double>> current_input = inputs;
    for (size_t l = 0; l < network.layers.size(); ++l) {
        const Layer& layer = network.layers[l];
        const int size = layer.out_channels * layer.out_height * layer.out_width;
        std::vector<double> u(size, 0.0), total(size, 0.0), synapse(size, 0.0);
        std::vector<uint8_t> before(size, 0), all;
        std::vector<double> potentials;
        std::vector<std::vector<double>> next;
        for (const auto& input : current_input) {
            std::vector<uint8_t> spikes(size, 0), visible(size, 0);
            for (int i = 0; i < size; ++i) {
                const int o = i / (layer.out_height * layer.out_width), pixel = i % (layer.out_height * layer.out_width);
                double current = weighted_sum(layer, input, o, pixel / layer.out_width, pixel % layer.out_width);
                total[i] = layer.readout_beta * total[i] + current;
                if (!layer.neuron) continue;
                const Neuron& n = *layer.neuron;
                current *= n.gain;
                if (n.decay_input) current *= 1.0 - n.beta;
                current = synapse[i] = n.alpha * synapse[i] + current;
                if (n.reset == Reset::zero && n.delay && before[i]) u[i] = n.v_reset;
                u[i] = n.beta * u[i] + current;
                if (n.reset == Reset::subtract && n.delay && before[i]) u[i] -= n.threshold;
                potentials.push_back(u[i]);
                spikes[i] = n.at_threshold ? u[i] >= n.threshold : u[i] > n.threshold;
                if (spikes[i] && !n.delay && n.reset == Reset::subtract) u[i] -= n.threshold;
                if (spikes[i] && !n.delay && n.reset == Reset::zero) u[i] = n.v_reset;
                const bool dead =
                    std::find(ablated.begin(), ablated.end(), FilterIndex{static_cast<int>(l), o}) != ablated.end();
                visible[i] = spikes[i] && !dead;
            }
            before = spikes;
            all.insert(all.end(), visible.begin(), visible.end());
            next.push_back(layer.pool.kind == PoolKind::none ? std::vector<double>(visible.begin(), visible.end())
                                                             : pooled(layer, visible));
        }
        if (!layer.neuron) {
            for (double value : total) activity.scores.push_back(value / inputs.size());
            return activity;
        }
        activity.spikes.push_back(all);
        activity.potentials.push_back(potentials);
        current_input = next;
    }
    activity.scores.assign(network.class_count(), 0.0);
    for (const auto& frame : current_input)
        for (size_t c = 0; c < frame.size(); ++c) activity.scores[c] += frame[c] / inputs.size();
    return activity;
}

}  // namespace spikelens::naive

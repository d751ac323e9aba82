#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "graph_activity.h"
#include "spiking_input.h"

namespace spikelens::test {

/// Every quantity of the definition as a vector or a dense matrix in double, from recorded spikes alone; of any graph
/// that does not recur.
struct GateReference {
    const Network& network;
    const CpuEngine& simulator;

    /// What one unit of the input and one spike of each layer's neurons (before its pool) brought to the score.
    struct Gains {
        Vector input;
        std::vector<Vector> neurons, counts;  ///< [layer]; empty of layers without neurons
    };

    /// Of an input of one sample.
    Gains gains(const Input& shown, int target) const {
        const Recording recording = simulator.run(shown, all_spikes(network));
        const int64_t steps = shown.spiking() ? shown.steps() : network.steps;
        const GraphActivity activity(network, recording, 0, frames_of(shown, 0, steps));
        const size_t count = network.layers.size();
        Gains result;
        result.neurons.resize(count), result.counts.resize(count);
        result.input.resize(element_count(network.input_shape()));
        std::vector<Vector> gain;
        for (const Layer& layer : network.layers) gain.emplace_back(element_count(layer.pooled_shape()));
        gain.back()[target] = readout_weight(static_cast<double>(steps));
        for (size_t l = count; l-- > 0;) {
            const Layer& layer = network.layers[l];
            Vector of_layer = product(gain[l], routing(layer, activity.fired[l], activity.sent[l]));
            if (layer.neuron) {
                result.neurons[l] = of_layer;
                result.counts[l] = total(activity.fired[l]);
                const Vector drive = total(activity.operated[l]);
                for (size_t i = 0; i < of_layer.size(); ++i)
                    of_layer[i] *= gate(layer, i, result.counts[l][i], drive[i]);
            }
            const auto to = [&](size_t i) -> Vector& {
                return layer.inputs[i] == kNetworkInput ? result.input : gain[layer.inputs[i]];
            };
            if (layer.weighted()) add(product(of_layer, dense(layer)), to(0));
            Vector rest = of_layer;
            for (size_t i = 0; i < layer.inputs.size() && !layer.weighted(); ++i) {
                Vector part(rest.begin(), layer.kind == LayerKind::concat ? rest.begin() + to(i).size() : rest.end());
                if (layer.kind == LayerKind::concat) rest.erase(rest.begin(), rest.begin() + to(i).size());
                if (layer.kind == LayerKind::both || layer.kind == LayerKind::except) {
                    const Vector out = total(activity.operated[l]), in = total(activity.sent[layer.inputs[i]]);
                    const double among = layer.kind == LayerKind::both ? static_cast<double>(layer.inputs.size()) : 1;
                    const bool none = layer.kind == LayerKind::except && i > 0;
                    for (size_t j = 0; j < part.size(); ++j) part[j] *= in[j] == 0 || none ? 0 : out[j] / in[j] / among;
                }
                add(part, to(i));
            }
        }
        for (double& value : result.input) value *= shown.spiking() ? 1 : static_cast<double>(steps);
        return result;
    }

  private:
    static void add(const Vector& more, Vector& sum) {
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    }

    static Vector total(const std::vector<Vector>& steps) {
        Vector sum(steps[0].size());
        for (const Vector& step : steps) add(step, sum);
        return sum;
    }

    /// What of a pool's window goes to each place: rows are windows.
    static Matrix routing(const Layer& layer, const std::vector<Vector>& fired, const std::vector<Vector>& sent) {
        const Pool& pool = layer.pool;
        Matrix matrix(sent[0].size(), fired[0].size());
        const Vector counts = total(fired), pooled = total(sent);
        const bool numbers =
            std::ranges::all_of(counts, [](double value) { return value >= 0 && value == std::round(value); });
        for (int64_t w = 0; w < matrix.rows; ++w) {
            std::vector<int64_t> members;
            for (int64_t i = 0; i < matrix.columns; ++i)
                if (pool.kind == PoolKind::none ? w == i : in_window(layer, w, i)) members.push_back(i);
            double inside = 0;
            for (const int64_t i : members) inside += counts[i];
            for (const int64_t i : members) {
                double& share = matrix.at(w, i);
                if (pool.kind != PoolKind::max)
                    share = pool.kind == PoolKind::average ? 1.0 / static_cast<double>(members.size()) : 1.0;
                else if (numbers)
                    share = inside > 0 ? pooled[w] / inside : 0;
                else
                    for (const Vector& step : fired) {
                        const auto first = std::ranges::max_element(members, {}, [&](int64_t m) { return step[m]; });
                        share += *first == i ? 1.0 / static_cast<double>(fired.size()) : 0;
                    }
            }
        }
        return matrix;
    }

    static double gate(const Layer& layer, size_t i, double spikes, double drive) {
        const auto pixels = static_cast<int64_t>(layer.out_height) * layer.out_width;
        const auto place = static_cast<int64_t>(i);
        const Neuron n = neuron_at(*layer.neuron, layer.values, place / pixels, place % pixels, pixels);
        const double scale = double(n.gain) * (n.decay_input ? 1.0 - n.beta : 1.0) / (1.0 - double(n.alpha));
        drive *= scale;
        return spikes > 0 && drive > 0 ? scale * std::min(1.0, spikes / drive) : 0.0;
    }

    /// Mean of β^(T−1−t), over T; with a synapse of Σ_k β^k α^(T−1−t−k).
    double readout_weight(double steps) const {
        double sum = 0, power = 1, current = 1;
        for (int t = 0; t < steps; ++t, power = double(network.layers.back().readout_beta) * power + current) {
            sum += power;
            current *= double(network.layers.back().readout_alpha);
        }
        return sum / steps / steps;
    }
};

}  // namespace spikelens::test

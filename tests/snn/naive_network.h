#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/snn/network.h"

namespace spikelens::naive {

/// The definition of a spiking network, neuron by neuron and step by step in double: slow, obvious, sharing nothing
/// with the library's paths. All layers take one step before any takes the next.
struct Activity {
    std::vector<double> scores;
    std::vector<std::vector<uint8_t>> spikes;     // per layer [T][C][H][W], empty without neuron
    std::vector<std::vector<double>> potentials;  // when compared with the threshold
};

using Values = std::vector<double>;  // [C][H][W]

/// Numbers at (c, y, x), zero outside.
struct Map {
    int channels, height, width;
    const Values& values;
    double at(int c, int y, int x) const {
        return y < 0 || x < 0 || y >= height || x >= width ? 0.0 : values[(c * height + y) * width + x];
    }
};

inline double weighted_sum(const Layer& layer, const Values& input, int o, int row, int column) {
    double sum = layer.has_bias ? layer.bias.data[o] : 0.0;
    if (layer.kind == LayerKind::full) {
        for (size_t i = 0; i < input.size(); ++i) sum += layer.weight.data[o * input.size() + i] * input[i];
        return sum;
    }
    const Map map{layer.in_channels, layer.in_height, layer.in_width, input};
    const int rows = layer.kernel, columns = layer.kernel_columns(), channels = layer.in_channels / layer.groups;
    const int group = o / (layer.out_channels / layer.groups);
    for (int c = 0; c < channels; ++c)
        for (int ky = 0; ky < rows; ++ky)
            for (int kx = 0; kx < columns; ++kx)
                sum +=
                    layer.weight.data[((o * channels + c) * rows + ky) * columns + kx] *
                    map.at(group * channels + c, row * layer.stride - layer.padding + ky * layer.dilation,
                           column * layer.stride_columns() - layer.padding_columns() + kx * layer.dilation_columns());
    return sum;
}

/// What the layer's spikes of the step before add at one neuron.
inline double recurrent_sum(const Layer& layer, const Values& before, int o, int row, int column) {
    const Recurrence& recurrence = layer.recurrence;
    const int n = static_cast<int>(before.size()), i = (o * layer.out_height + row) * layer.out_width + column;
    const Map map{layer.out_channels, layer.out_height, layer.out_width, before};
    const int k = recurrence.kernel;
    double sum = 0;
    if (recurrence.kind == RecurrenceKind::one) sum = recurrence.weight.data[o] * before[i];
    if (recurrence.kind == RecurrenceKind::all)
        for (int j = 0; j < n; ++j) sum += recurrence.weight.data[i * n + j] * before[j];
    if (recurrence.kind == RecurrenceKind::conv)
        for (int c = 0; c < layer.out_channels; ++c)
            for (int ky = 0; ky < k; ++ky)
                for (int kx = 0; kx < k; ++kx)
                    sum += recurrence.weight.data[((o * layer.out_channels + c) * k + ky) * k + kx] *
                           map.at(c, row - k / 2 + ky, column - k / 2 + kx);
    return sum;
}

/// What a normalisation of each step makes of its input at one of them.
inline Values normalised(const Layer& layer, const Values& values, int64_t step, bool terms = true) {
    Values out = values;
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    for (int64_t i = 0; i < static_cast<int64_t>(out.size()); ++i) {
        const int64_t at = step * layer.out_channels + i / pixels;
        out[i] = layer.weight.data[at] * out[i] + (terms ? layer.bias.data[at] : 0.0F);
    }
    return out;
}

inline Values pooled(const Layer& layer, const Values& values) {
    const Pool& pool = layer.pool;
    if (pool.kind == PoolKind::none) return values;
    const Map map{layer.out_channels, layer.out_height, layer.out_width, values};
    Values out;
    for (int c = 0; c < layer.out_channels; ++c)
        for (int row = 0; row < layer.pooled_height; ++row)
            for (int column = 0; column < layer.pooled_width; ++column) {
                Values window;
                for (int i = 0; i < pool.size; ++i)
                    for (int j = 0; j < pool.columns(); ++j)
                        if (const int y = row * pool.stride - pool.padding + i,
                            x = column * pool.stride_columns() - pool.padding_columns() + j;
                            y >= 0 && x >= 0 && y < map.height && x < map.width)
                            window.push_back(map.at(c, y, x));
                double sum = 0;
                for (const double value : window) sum += value;
                out.push_back(pool.kind == PoolKind::max       ? *std::max_element(window.begin(), window.end())
                              : pool.kind == PoolKind::average ? sum / (pool.size * pool.columns())
                                                               : sum);
            }
    return out;
}

class Simulation {
  public:
    Simulation(const Network& network, const std::vector<FilterIndex>& ablated) : network_(network), ablated_(ablated) {
        for (const Layer& layer : network.layers)
            states_.emplace_back(layer.out_channels * layer.out_height * layer.out_width);
        activity_.spikes.resize(network.layers.size());
        activity_.potentials.resize(network.layers.size());
        readout_.resize(network.class_count());
        current_.resize(network.class_count());
    }

    void step(const Values& input) {
        std::vector<Values> sent;
        for (size_t l = 0; l < network_.layers.size(); ++l) {
            const Layer& layer = network_.layers[l];
            Values values = operation(layer, l, input, sent);
            if (layer.neuron) values = fired(layer, l, values);
            sent.push_back(pooled(layer, values));
        }
        const Layer& last = network_.layers.back();
        for (size_t c = 0; c < readout_.size(); ++c) {
            current_[c] = last.readout_alpha * current_[c] + sent.back()[c];
            readout_[c] = last.readout_beta * readout_[c] + current_[c];
        }
        ++steps_;
    }

    Activity finish() {
        for (const double value : readout_) activity_.scores.push_back(value / steps_);
        return std::move(activity_);
    }

  private:
    struct State {
        explicit State(int size) : u(size), synapse(size), rise(size), before(size) {}
        Values u, synapse, rise, before;
    };

    Values operation(const Layer& layer, size_t l, const Values& input, const std::vector<Values>& sent) const {
        std::vector<const Values*> inputs;
        for (const int i : layer.inputs) inputs.push_back(i == kNetworkInput ? &input : &sent[i]);
        if (layer.kind == LayerKind::norm) return normalised(layer, *inputs[0], steps_);
        Values out = layer.weighted() ? Values{} : *inputs[0];
        for (size_t i = 1; i < inputs.size(); ++i) {
            if (layer.kind == LayerKind::concat) out.insert(out.end(), inputs[i]->begin(), inputs[i]->end());
            for (size_t j = 0; layer.kind != LayerKind::concat && j < out.size(); ++j) {
                const double x = out[j], y = (*inputs[i])[j];
                out[j] = layer.kind == LayerKind::add ? x + y : layer.kind == LayerKind::both ? x * y : x * (1 - y);
            }
        }
        for (int o = 0; layer.weighted() && o < layer.out_channels; ++o)
            for (int row = 0; row < layer.out_height; ++row)
                for (int column = 0; column < layer.out_width; ++column)
                    out.push_back(weighted_sum(layer, *inputs[0], o, row, column) +
                                  recurrent_sum(layer, states_[l].before, o, row, column));
        return out;
    }

    /// The spikes that leave the layer; an ablated filter's are counted nowhere, but reset its neurons.
    Values fired(const Layer& layer, size_t l, const Values& currents) {
        State& state = states_[l];
        Values visible(currents.size());
        const int pixels = layer.out_height * layer.out_width;
        for (size_t i = 0; i < currents.size(); ++i) {
            const int o = static_cast<int>(i) / pixels;
            const Neuron n = neuron(layer, o, static_cast<int>(i));
            double& u = state.u[i];
            const double current = currents[i] * n.gain * (n.decay_input ? 1.0 - n.beta : 1.0);
            state.synapse[i] = n.alpha * state.synapse[i] + current;
            const bool before = fired_before(l, i);
            if (n.reset == Reset::zero && n.delay && before) u = n.v_reset;
            u = n.beta * u + state.synapse[i];
            if (n.reset == Reset::subtract && n.delay && before) u -= n.threshold;
            state.rise[i] = n.rho * state.rise[i] + (before ? n.adapt : 0);
            const double compared = u - state.rise[i];
            activity_.potentials[l].push_back(compared);
            const bool spikes = n.at_threshold ? compared >= n.threshold : compared > n.threshold;
            if (spikes && !n.delay && n.reset == Reset::subtract) u -= n.threshold + state.rise[i];
            if (spikes && !n.delay && n.reset == Reset::zero) u = n.v_reset;
            reset_[{l, i}] = spikes;
            const bool dead =
                std::find(ablated_.begin(), ablated_.end(), FilterIndex{static_cast<int>(l), o}) != ablated_.end();
            visible[i] = spikes && !dead ? 1 : 0;
            activity_.spikes[l].push_back(static_cast<uint8_t>(visible[i]));
        }
        state.before = visible;
        return visible;
    }

    bool fired_before(size_t l, size_t i) const {
        const auto found = reset_.find({l, i});
        return found != reset_.end() && found->second;
    }

    static Neuron neuron(const Layer& layer, int channel, int i) {
        Neuron n = *layer.neuron;
        for (const NeuronValue& value : layer.values) {
            const float number = value.values.data[value.values.shape.size() == 1 ? channel : i];
            if (value.field == "beta") n.beta = number;
            if (value.field == "threshold") n.threshold = number;
            if (value.field == "gain") n.gain = number;
            if (value.field == "v_reset") n.v_reset = number;
            if (value.field == "alpha") n.alpha = number;
            if (value.field == "adapt") n.adapt = number;
            if (value.field == "rho") n.rho = number;
        }
        return n;
    }

    const Network& network_;
    const std::vector<FilterIndex>& ablated_;
    std::vector<State> states_;
    std::map<std::pair<size_t, size_t>, bool> reset_;  // whether a neuron, even of an ablated filter, spiked last
    Activity activity_;
    Values readout_, current_;
    int steps_ = 0;
};

/// inputs[t]: [C, H, W] flattened.
inline Activity simulate(const Network& network, const std::vector<Values>& inputs,
                         const std::vector<FilterIndex>& ablated = {}) {
    Simulation simulation(network, ablated);
    for (const Values& input : inputs) simulation.step(input);
    return simulation.finish();
}

}  // namespace spikelens::naive

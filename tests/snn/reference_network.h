#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"

namespace spikelens::testing {

/// A number and its derivative along one direction.
struct Dual {
    double value = 0;
    double slope = 0;
};

inline Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
inline Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
inline Dual operator*(Dual a, Dual b) { return {a.value * b.value, a.slope * b.value + a.value * b.slope}; }
inline Dual operator*(double a, Dual b) { return {a * b.value, a * b.slope}; }

/// The smooth step of a surrogate, by the definition in surrogate.h: S(0) and what the slope, which is even, adds up to
/// from there.
inline double reference_step(const Surrogate& surrogate, double v) {
    const double k = surrogate.scale, far = std::abs(v), near = std::min(far, 1.0), sign = v < 0 ? -1 : 1;
    switch (surrogate.kind) {
        case SurrogateKind::triangle:
            return k / 2 + sign * k * (near - near * near / 2);
        case SurrogateKind::sigmoid:
            return 0.5 + std::tanh(k * v / 2) / 2;
        case SurrogateKind::fast_sigmoid:
            return 1 / k + sign * far / (k * far + 1);
        case SurrogateKind::atan:
            return 0.5 + std::atan(std::numbers::pi * k * v / 2) / std::numbers::pi;
    }
    return 0;
}

inline double reference_slope(const Surrogate& surrogate, double v) {
    const double k = surrogate.scale;
    switch (surrogate.kind) {
        case SurrogateKind::triangle:
            return std::abs(v) < 1 ? k * (1 - std::abs(v)) : 0;
        case SurrogateKind::sigmoid:
            return k / 4 / std::pow(std::cosh(k * v / 2), 2);
        case SurrogateKind::fast_sigmoid:
            return std::pow(k * std::abs(v) + 1, -2);
        case SurrogateKind::atan:
            return k / 2 / (1 + std::pow(std::numbers::pi * k * v / 2, 2));
    }
    return 0;
}

/// The definitions of network.h and surrogate.h read aloud: a loop over time around single neurons, in double, with
/// derivatives carried forward along one direction. Nothing here goes backward or is shared with what it checks.
class ReferenceNetwork {
  public:
    ReferenceNetwork(const Network& network, const Surrogate& surrogate, bool smooth)
        : network_(network), surrogate_(surrogate), smooth_(smooth) {
        for (const Layer& layer : network.layers) {
            weights_.emplace_back(to_duals(layer.weight.data));
            biases_.emplace_back(to_duals(layer.bias.data));
        }
    }

    static std::vector<Dual> to_duals(std::span<const float> values) {
        std::vector<Dual> duals;
        for (float value : values) duals.push_back({value, 0});
        return duals;
    }

    std::vector<Dual>& weight(size_t layer) { return weights_[layer]; }
    std::vector<Dual>& bias(size_t layer) { return biases_[layer]; }

    /// Scores of one sample: `input[t]` is its [C, H, W] at step t.
    std::vector<Dual> scores(const std::vector<std::vector<Dual>>& input) const {
        std::vector<std::vector<Dual>> membranes, fired, synapses;
        for (const Layer& layer : network_.layers) {
            membranes.emplace_back(layer.out_channels * layer.out_height * layer.out_width);
            fired.emplace_back(membranes.back().size());
            synapses.emplace_back(membranes.back().size());
        }
        std::vector<Dual> total(network_.class_count()), current_sum(network_.class_count());
        for (const std::vector<Dual>& now : input) {
            std::vector<Dual> signal = now;
            for (size_t l = 0; l < network_.layers.size(); ++l) {
                const Layer& layer = network_.layers[l];
                std::vector<Dual> current = weighted(layer, weights_[l], biases_[l], signal);
                if (layer.neuron)
                    for (size_t i = 0; i < current.size(); ++i)
                        current[i] = fired[l][i] =
                            neuron_step(*layer.neuron, current[i], synapses[l][i], membranes[l][i], fired[l][i]);
                signal = pooled(layer, current);
            }
            const Layer& last = network_.layers.back();
            for (size_t c = 0; c < total.size(); ++c) {
                current_sum[c] = double{last.readout_alpha} * current_sum[c] + signal[c];
                total[c] = double{last.readout_beta} * total[c] + current_sum[c];
            }
        }
        for (Dual& score : total) score = (1.0 / static_cast<double>(input.size())) * score;
        return total;
    }

  private:
    static std::vector<Dual> weighted(const Layer& layer, const std::vector<Dual>& weight,
                                      const std::vector<Dual>& bias, const std::vector<Dual>& input) {
        std::vector<Dual> out;
        const int extent_y = layer.kind == LayerKind::conv ? layer.kernel : layer.in_height;
        const int extent_x = layer.kind == LayerKind::conv ? layer.kernel : layer.in_width;
        for (int o = 0; o < layer.out_channels; ++o)
            for (int y = 0; y < layer.out_height; ++y)
                for (int x = 0; x < layer.out_width; ++x) {
                    Dual sum = layer.has_bias ? bias[o] : Dual{};
                    for (int c = 0; c < layer.in_channels; ++c)
                        for (int i = 0; i < extent_y; ++i)
                            for (int j = 0; j < extent_x; ++j) {
                                const int from_y = y * layer.stride - layer.padding + i,
                                          from_x = x * layer.stride - layer.padding + j;
                                if (from_y < 0 || from_x < 0 || from_y >= layer.in_height || from_x >= layer.in_width)
                                    continue;
                                sum = sum + weight[((o * layer.in_channels + c) * extent_y + i) * extent_x + j] *
                                                input[(c * layer.in_height + from_y) * layer.in_width + from_x];
                            }
                    out.push_back(sum);
                }
        return out;
    }

    Dual neuron_step(const Neuron& neuron, Dual current, Dual& synapse, Dual& membrane, Dual previous) const {
        const double beta = neuron.beta, threshold = neuron.threshold;
        const Dual input = (double(neuron.gain) * (neuron.decay_input ? 1 - beta : 1.0)) * current;
        synapse = double(neuron.alpha) * synapse + input;
        const Dual before = detached(previous);
        if (neuron.delay && neuron.reset == Reset::zero) membrane = after_zero(neuron, membrane, before);
        membrane = beta * membrane + synapse;
        if (neuron.delay && neuron.reset == Reset::subtract) membrane = membrane - threshold * before;
        const Dual spike = fire(neuron, membrane);
        if (!neuron.delay && neuron.reset == Reset::zero) membrane = after_zero(neuron, membrane, detached(spike));
        if (!neuron.delay && neuron.reset == Reset::subtract) membrane = membrane - threshold * detached(spike);
        return spike;
    }

    static Dual after_zero(const Neuron& neuron, Dual membrane, Dual spike) {
        return membrane * (Dual{1, 0} - spike) + double(neuron.v_reset) * spike;
    }

    Dual detached(Dual spike) const { return surrogate_.through_reset ? spike : Dual{spike.value, 0}; }

    Dual fire(const Neuron& neuron, Dual membrane) const {
        const double v = membrane.value / neuron.threshold - 1;
        const bool above = neuron.at_threshold ? membrane.value >= neuron.threshold : membrane.value > neuron.threshold;
        const double value = smooth_ ? reference_step(surrogate_, v) : above ? 1 : 0;
        return {value, reference_slope(surrogate_, v) / neuron.threshold * membrane.slope};
    }

    static std::vector<Dual> pooled(const Layer& layer, const std::vector<Dual>& spikes) {
        if (layer.pool.kind == PoolKind::none) return spikes;
        std::vector<Dual> out;
        const int size = layer.pool.size;
        for (int c = 0; c < layer.out_channels; ++c)
            for (int y = 0; y < layer.pooled_height; ++y)
                for (int x = 0; x < layer.pooled_width; ++x) {
                    Dual sum, best{-1, 0};
                    for (int i = 0; i < size; ++i)
                        for (int j = 0; j < size; ++j) {
                            const int row = c * layer.out_height + y * layer.pool.stride + i;
                            const Dual spike = spikes[row * layer.out_width + x * layer.pool.stride + j];
                            sum = sum + spike;
                            if (spike.value > best.value) best = spike;
                        }
                    out.push_back(layer.pool.kind == PoolKind::max       ? best
                                  : layer.pool.kind == PoolKind::average ? (1.0 / (size * size)) * sum
                                                                         : sum);
                }
        return out;
    }

    const Network& network_;
    Surrogate surrogate_;
    bool smooth_;
    std::vector<std::vector<Dual>> weights_, biases_;
};

/// Numbers spread evenly over [low, high), from an address.
inline std::vector<float> random_values(int64_t count, float low, float high, uint64_t seed) {
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i)
        values.push_back(low + (high - low) *
                                   static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)})));
    return values;
}

/// A network with weights large enough that its neurons spike.
inline Network lively_network(std::string_view text, const Shape& input, int steps, uint64_t seed) {
    Network network = parse_network(text, input, steps);
    initialise_weights(network, seed);
    for (Layer& layer : network.layers)
        for (float& weight : layer.weight.data) weight *= 3;
    return network;
}

}  // namespace spikelens::testing

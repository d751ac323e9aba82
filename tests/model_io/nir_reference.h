#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "spikelens/snn/network.h"

#include "model_io/nir_graph.h"

namespace spikelens::nir_reference {

/// A signal of one step.
struct Signal {
    Shape shape;
    std::vector<double> values;
};

inline Signal pooled(const Signal& in, int size, int stride, double factor) {
    const int64_t h = (in.shape[1] - size) / stride + 1, w = (in.shape[2] - size) / stride + 1;
    Signal out{{in.shape[0], h, w}, {}};
    for (int64_t c = 0; c < in.shape[0]; ++c)
        for (int64_t y = 0; y < h; ++y)
            for (int64_t x = 0; x < w; ++x) {
                double sum = 0;
                for (int dy = 0; dy < size; ++dy)
                    for (int dx = 0; dx < size; ++dx)
                        sum += in.values[(c * in.shape[1] + y * stride + dy) * in.shape[2] + x * stride + dx];
                out.values.push_back(factor * sum);
            }
    return out;
}

/// Weight and bias as functions of the index, so that NIR's doubles and a layer's floats go the same way.
using Tensor = std::function<double(int64_t)>;

inline Signal convolved(const Signal& in, const Tensor& weight, const Tensor& bias, int64_t outputs, int64_t k, int64_t stride,
                        int64_t padding) {
    const int64_t c = in.shape[0], h = in.shape[1], w = in.shape[2];
    const int64_t oh = (h + 2 * padding - k) / stride + 1, ow = (w + 2 * padding - k) / stride + 1;
    Signal out{{outputs, oh, ow}, {}};
    for (int64_t o = 0; o < outputs; ++o)
        for (int64_t y = 0; y < oh; ++y)
            for (int64_t x = 0; x < ow; ++x) {
                double sum = bias(o);
                for (int64_t i = 0; i < c * k * k; ++i) {
                    const int64_t row = y * stride - padding + i / k % k, column = x * stride - padding + i % k;
                    if (row < 0 || column < 0 || row >= h || column >= w) continue;
                    sum += weight(o * c * k * k + i) * in.values[(i / (k * k) * h + row) * w + column];
                }
                out.values.push_back(sum);
            }
    return out;
}

inline Signal multiplied(const Signal& in, const Tensor& weight, const Tensor& bias, int64_t outputs) {
    const auto inputs = static_cast<int64_t>(in.values.size());
    Signal out{{outputs}, {}};
    for (int64_t o = 0; o < outputs; ++o) {
        double sum = bias(o);
        for (int64_t i = 0; i < inputs; ++i) sum += weight(o * inputs + i) * in.values[i];
        out.values.push_back(sum);
    }
    return out;
}

/// Forward Euler of a chain of NIR nodes, node by node, nothing folded: what `exact` promises. Parameters are given per neuron
/// or as one number.
class Graph {
  public:
    Graph(const std::vector<NirNode>& chain, double dt) : chain_(chain), dt_(dt) {}

    Signal step(Signal signal) {
        for (const NirNode& node : chain_) apply(node, signal);
        return signal;
    }

  private:
    static double at(const NirNode& node, const std::string& name, size_t i, double missing = 0) {
        const auto found = node.values.find(name);
        if (found == node.values.end()) return missing;
        return found->second.numbers[found->second.numbers.size() == 1 ? 0 : i];
    }

    void apply(const NirNode& node, Signal& signal) {
        const auto tensor = [&](const char* name) {
            return [&node, name](int64_t i) { return node.has(name) ? node.values.at(name).numbers[i] : 0.0; };
        };
        const auto number = [&](const char* name) { return static_cast<int>(at(node, name, 0)); };
        if (node.type == "Conv2d") {
            const Shape& shape = node.values.at("weight").shape;
            signal =
                convolved(signal, tensor("weight"), tensor("bias"), shape[0], shape[2], number("stride"), number("padding"));
        } else if (node.type == "Affine" || node.type == "Linear") {
            signal = multiplied(signal, tensor("weight"), tensor("bias"), node.values.at("weight").shape[0]);
        } else if (node.type == "SumPool2d" || node.type == "AvgPool2d") {
            const int size = number("kernel_size");
            signal = pooled(signal, size, number("stride"), node.type == "AvgPool2d" ? 1.0 / (size * size) : 1.0);
        } else if (node.type == "Flatten") {
            signal.shape = {static_cast<int64_t>(signal.values.size())};
        } else if (node.type == "Scale") {
            for (size_t i = 0; i < signal.values.size(); ++i) signal.values[i] *= at(node, "scale", i);
        } else if (node.type == "Threshold") {
            for (size_t i = 0; i < signal.values.size(); ++i)
                signal.values[i] = signal.values[i] > at(node, "threshold", i) ? 1 : 0;
        } else if (node.type != "Input" && node.type != "Output") {
            neurons(node, signal);
        }
    }

    void neurons(const NirNode& node, Signal& signal) {
        auto& [v, current] = states_[node.name];
        v.resize(signal.values.size());
        current.resize(signal.values.size());
        for (size_t i = 0; i < v.size(); ++i) {
            double input = signal.values[i];
            if (node.type == "CubaLIF") {
                current[i] += dt_ / at(node, "tau_syn", i) * (at(node, "w_in", i, 1) * input - current[i]);
                input = current[i];
            }
            const double drive = at(node, "r", i) * input;
            if (node.type == "IF")
                v[i] += dt_ * drive;
            else
                v[i] += dt_ / at(node, node.type == "CubaLIF" ? "tau_mem" : "tau", i) * (at(node, "v_leak", i) - v[i] + drive);
            signal.values[i] = v[i];
            if (node.type == "LI") continue;
            signal.values[i] = v[i] > at(node, "v_threshold", i) ? 1 : 0;
            if (signal.values[i] > 0) v[i] = at(node, "v_reset", i);
        }
    }

    struct State {
        std::vector<double> v, current;
    };
    const std::vector<NirNode>& chain_;
    double dt_;
    std::map<std::string, State> states_;
};

/// The equations of snn/network.h without delay, in double precision. The last layer gives its spikes, or its potential.
class Simulation {
  public:
    explicit Simulation(const Network& network) : network_(network), states_(network.layers.size()) {}

    Signal step(Signal signal) {
        for (size_t l = 0; l < network_.layers.size(); ++l) layer(network_.layers[l], states_[l], signal);
        return signal;
    }
    const std::vector<double>& potentials(size_t layer) const { return states_[layer].v; }

  private:
    struct State {
        std::vector<double> v, current;
    };

    static void layer(const Layer& layer, State& state, Signal& signal) {
        const Tensor weight = [&](int64_t i) { return double{layer.weight.data[i]}; };
        const Tensor bias = [&](int64_t o) { return layer.has_bias ? double{layer.bias.data[o]} : 0.0; };
        signal = layer.kind == LayerKind::conv
                     ? convolved(signal, weight, bias, layer.out_channels, layer.kernel, layer.stride, layer.padding)
                     : multiplied(signal, weight, bias, layer.out_channels);
        state.v.resize(signal.values.size());
        state.current.resize(signal.values.size());
        for (size_t i = 0; i < state.v.size(); ++i)
            signal.values[i] = neuron(layer, state.v[i], state.current[i], signal.values[i]);
        if (layer.pool.kind == PoolKind::none) return;
        const int size = layer.pool.size;
        signal = pooled(signal, size, layer.pool.stride, layer.pool.kind == PoolKind::average ? 1.0 / (size * size) : 1.0);
    }

    static double neuron(const Layer& layer, double& v, double& current, double input) {
        if (!layer.neuron) return v = double{layer.readout_beta} * v + input;
        const Neuron& n = *layer.neuron;
        current = double{n.alpha} * current + double{n.gain} * input * (n.decay_input ? 1 - double{n.beta} : 1);
        v = double{n.beta} * v + current;
        const bool spike = n.at_threshold ? v >= double{n.threshold} : v > double{n.threshold};
        if (spike && n.reset == Reset::subtract) v -= double{n.threshold};
        if (spike && n.reset == Reset::zero) v = double{n.v_reset};
        return spike ? 1 : 0;
    }

    const Network& network_;
    std::vector<State> states_;
};

}  // namespace spikelens::nir_reference

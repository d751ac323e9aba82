#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "model_io/nir_order.h"

namespace spikelens::nir_reference {

/// A signal of one step.
struct Signal {
    Shape shape;
    std::vector<double> values;
};

/// Rows and columns.
struct Pair {
    int64_t rows = 1, columns = 1;
};

inline Signal pooled(const Signal& in, Pair size, Pair stride, double factor) {
    const int64_t h = (in.shape[1] - size.rows) / stride.rows + 1,
                  w = (in.shape[2] - size.columns) / stride.columns + 1;
    Signal out{{in.shape[0], h, w}, {}};
    for (int64_t c = 0; c < in.shape[0]; ++c)
        for (int64_t y = 0; y < h; ++y)
            for (int64_t x = 0; x < w; ++x) {
                double sum = 0;
                for (int64_t dy = 0; dy < size.rows; ++dy)
                    for (int64_t dx = 0; dx < size.columns; ++dx)
                        sum +=
                            in.values[(c * in.shape[1] + y * stride.rows + dy) * in.shape[2] + x * stride.columns + dx];
                out.values.push_back(factor * sum);
            }
    return out;
}

struct Convolution {
    Pair kernel, stride, padding{0, 0}, dilation;
    int64_t outputs = 1, groups = 1;
    std::vector<double> weight, bias;  ///< [out, in/groups, k, k]; the bias may be empty
};

inline Signal convolved(const Signal& in, const Convolution& conv) {
    const int64_t c = in.shape[0] / conv.groups, h = in.shape[1], w = in.shape[2];
    const auto [kh, kw] = conv.kernel;
    const int64_t oh = (h + 2 * conv.padding.rows - (kh - 1) * conv.dilation.rows - 1) / conv.stride.rows + 1;
    const int64_t ow = (w + 2 * conv.padding.columns - (kw - 1) * conv.dilation.columns - 1) / conv.stride.columns + 1;
    Signal out{{conv.outputs, oh, ow}, {}};
    for (int64_t o = 0; o < conv.outputs; ++o)
        for (int64_t y = 0; y < oh; ++y)
            for (int64_t x = 0; x < ow; ++x) {
                double sum = conv.bias.empty() ? 0 : conv.bias[o];
                for (int64_t i = 0; i < c * kh * kw; ++i) {
                    const int64_t row = y * conv.stride.rows - conv.padding.rows + i / kw % kh * conv.dilation.rows;
                    const int64_t column =
                        x * conv.stride.columns - conv.padding.columns + i % kw * conv.dilation.columns;
                    if (row < 0 || column < 0 || row >= h || column >= w) continue;
                    const int64_t channel = o / (conv.outputs / conv.groups) * c + i / (kh * kw);
                    sum += conv.weight[o * c * kh * kw + i] * in.values[(channel * h + row) * w + column];
                }
                out.values.push_back(sum);
            }
    return out;
}

inline Signal multiplied(const Signal& in, const std::vector<double>& weight, const std::vector<double>& bias,
                         int64_t outputs) {
    const auto inputs = static_cast<int64_t>(in.values.size());
    Signal out{{outputs}, {}};
    for (int64_t o = 0; o < outputs; ++o) {
        double sum = bias.empty() ? 0 : bias[o];
        for (int64_t i = 0; i < inputs; ++i) sum += weight[o * inputs + i] * in.values[i];
        out.values.push_back(sum);
    }
    return out;
}

/// Forward Euler of NIR nodes, node by node, nothing folded: what `exact` promises. What several edges bring is added;
/// a neuron's spikes come back one step later. Parameters are given per neuron or as one number.
class Graph {
  public:
    Graph(const std::vector<NirStep>& steps, double dt) : steps_(steps), dt_(dt) {}

    Signal step(const Signal& input) {
        std::map<std::string, Signal> signals;
        for (const NirStep& step : steps_) {
            Signal signal = step.inputs.empty() ? input : signals.at(step.inputs[0]);
            for (size_t i = 1; i < step.inputs.size(); ++i) add(signal, signals.at(step.inputs[i]));
            if (step.recurrent) {
                Signal back = signal;
                std::ranges::fill(back.values, 0.0);
                if (spikes_.contains(step.node->name)) back = spikes_.at(step.node->name);
                apply(*step.recurrent, back);
                add(signal, back);
            }
            apply(*step.node, signal);
            spikes_[step.node->name] = signal;
            signals[step.node->name] = signal;
        }
        return signals.at(steps_.back().node->name);
    }
    const Signal& spikes(const std::string& node) const { return spikes_.at(node); }

  private:
    static void add(Signal& to, const Signal& more) {
        for (size_t i = 0; i < to.values.size(); ++i) to.values[i] += more.values[i];
    }
    static double at(const NirNode& node, const std::string& name, size_t i, double missing = 0) {
        const auto found = node.values.find(name);
        if (found == node.values.end()) return missing;
        return found->second.numbers[found->second.numbers.size() == 1 ? 0 : i];
    }
    static Pair pair(const NirNode& node, const std::string& name, int64_t of_one_row = -1) {
        const std::vector<double>& numbers = node.values.at(name).numbers;
        const auto rows = static_cast<int64_t>(numbers.front()), columns = static_cast<int64_t>(numbers.back());
        return {node.type == "Conv1d" && of_one_row >= 0 ? of_one_row : rows, columns};
    }
    static std::vector<double> numbers(const NirNode& node, const std::string& name) {
        return node.has(name) ? node.values.at(name).numbers : std::vector<double>{};
    }

    static void convolve(const NirNode& node, Signal& signal) {
        const Shape& shape = node.values.at("weight").shape;
        const bool one_row = node.type == "Conv1d";
        if (one_row) signal.shape.insert(signal.shape.begin() + 1, 1);
        const Pair kernel{one_row ? 1 : shape[2], shape.back()}, dilation = pair(node, "dilation", 1);
        Pair padding{(kernel.rows - 1) * dilation.rows / 2, (kernel.columns - 1) * dilation.columns / 2};  // "same"
        if (node.values.at("padding").type != NirType::text) padding = pair(node, "padding", 0);
        signal = convolved(
            signal, {kernel, pair(node, "stride", 1), padding, dilation, shape[0],
                     static_cast<int64_t>(at(node, "groups", 0)), numbers(node, "weight"), numbers(node, "bias")});
        if (one_row) signal.shape.erase(signal.shape.begin() + 1);
    }

    void apply(const NirNode& node, Signal& signal) {
        if (node.type == "Conv2d" || node.type == "Conv1d") {
            convolve(node, signal);
        } else if (node.type == "Affine" || node.type == "Linear") {
            signal =
                multiplied(signal, numbers(node, "weight"), numbers(node, "bias"), node.values.at("weight").shape[0]);
        } else if (node.type == "SumPool2d" || node.type == "AvgPool2d") {
            const Pair size = pair(node, "kernel_size");
            const auto area = static_cast<double>(size.rows * size.columns);
            signal = pooled(signal, size, pair(node, "stride"), node.type == "AvgPool2d" ? 1.0 / area : 1.0);
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
            if (node.type == "IF" || node.type == "I")
                v[i] += dt_ * drive;
            else
                v[i] += dt_ / at(node, node.type == "CubaLIF" ? "tau_mem" : "tau", i) *
                        (at(node, "v_leak", i) - v[i] + drive);
            signal.values[i] = v[i];
            if (node.type == "LI" || node.type == "I") continue;
            signal.values[i] = v[i] > at(node, "v_threshold", i) ? 1 : 0;
            if (signal.values[i] > 0) v[i] = at(node, "v_reset", i);
        }
    }

    struct State {
        std::vector<double> v, current;
    };
    const std::vector<NirStep>& steps_;
    double dt_;
    std::map<std::string, State> states_;
    std::map<std::string, Signal> spikes_;  ///< what each node gave in the last step
};

}  // namespace spikelens::nir_reference

#include "graph_trace.h"

#include <algorithm>

#include "graph.h"
#include "lower.h"
#include "pool_windows.h"

namespace spikelens {
namespace {

int64_t outputs_of(const Layer& layer) { return int64_t{layer.out_channels} * layer.out_height * layer.out_width; }

/// Calls visit(input, output, weight) for every product of one step of a weighted layer.
template <class Visit>
void for_each_product(const Layer& layer, Visit visit) {
    const bool conv = layer.kind == LayerKind::conv;
    const int rows = conv ? layer.kernel : layer.in_height, columns = conv ? layer.kernel_columns() : layer.in_width;
    const int channels = layer.in_channels / layer.groups, outputs = layer.out_channels / layer.groups;
    int64_t weight = 0;
    for (int o = 0; o < layer.out_channels; ++o)
        for (int c = o / outputs * channels; c < (o / outputs + 1) * channels; ++c)
            for (int ky = 0; ky < rows; ++ky)
                for (int kx = 0; kx < columns; ++kx, ++weight)
                    for (int y = 0; y < layer.out_height; ++y) {
                        const int row = y * layer.stride - layer.padding + ky * layer.dilation;
                        if (row < 0 || row >= layer.in_height) continue;
                        for (int x = 0; x < layer.out_width; ++x) {
                            const int column =
                                x * layer.stride_columns() - layer.padding_columns() + kx * layer.dilation_columns();
                            if (column < 0 || column >= layer.in_width) continue;
                            visit((int64_t{c} * layer.in_height + row) * layer.in_width + column,
                                  (int64_t{o} * layer.out_height + y) * layer.out_width + x, weight);
                        }
                    }
}

}  // namespace

int64_t graph_trace_bytes(const Network& network, int64_t steps) {
    int64_t values = 2 * element_count(network.input_shape());
    for (const Layer& layer : network.layers) values += 3 * outputs_of(layer) + 2 * element_count(layer.pooled_shape());
    return int64_t{8} * steps * values;
}

GraphTrace::GraphTrace(const Network& network, const GradientOptions& options)
    : network_(network), options_(options), nodes_(network.layers.size()) {
    for (const Layer& layer : network.layers) recurrences_.push_back(recurrence_as_layer(layer));
}

int64_t GraphTrace::sent_size(int input) const {
    return element_count(input == kNetworkInput ? network_.input_shape() : network_.layers[input].pooled_shape());
}

const double* GraphTrace::sent(int input, int step) const {
    return (input == kNetworkInput ? input_ : nodes_[input].sent).data() + step * sent_size(input);
}

double* GraphTrace::sent_gradient(int input, int step) {
    return (input == kNetworkInput ? input_gradient_ : nodes_[input].sent_gradient).data() + step * sent_size(input);
}

void GraphTrace::forward(std::span<const float> input, int steps, std::span<const std::span<const float>> potentials,
                         std::span<float> scores) {
    steps_ = steps;
    input_.resize(steps * sent_size(kNetworkInput));
    for (size_t i = 0; i < input_.size(); ++i) input_[i] = input[i % input.size()];
    for (int l = 0; l < static_cast<int>(nodes_.size()); ++l)
        forward_layer(l, potentials.empty() ? std::span<const float>{} : potentials[l]);
    for (size_t c = 0; c < scores.size(); ++c) {
        double score = 0, current = 0;
        for (int step = 0; step < steps; ++step) {
            current = network_.layers.back().readout_alpha * current + nodes_.back().sent[step * scores.size() + c];
            score = network_.layers.back().readout_beta * score + current;
        }
        scores[c] = static_cast<float>(score / steps);
    }
}

/// What a layer makes of its inputs at one step; not what comes back from itself.
void GraphTrace::operate(int l, int step, double* out) const {
    const Layer& layer = network_.layers[l];
    const double* const first = sent(layer.inputs[0], step);
    if (layer.weighted()) {
        const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
        for (int64_t i = 0; i < outputs_of(layer); ++i)
            out[i] = layer.has_bias ? double{layer.bias.data[i / pixels]} : 0.0;
        return for_each_product(
            layer, [&](int64_t in, int64_t to, int64_t w) { out[to] += layer.weight.data[w] * first[in]; });
    }
    out = std::copy_n(first, sent_size(layer.inputs[0]), out);
    if (layer.kind != LayerKind::concat) out -= sent_size(layer.inputs[0]);
    if (layer.kind == LayerKind::norm) {
        const NormValues values = norm_values(layer, step);
        const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
        for (int64_t i = 0; i < outputs_of(layer); ++i)
            out[i] = double{values.factor[i / pixels]} * out[i] + double{values.term[i / pixels]};
    }
    for (size_t i = 1; i < layer.inputs.size(); ++i) {
        const double* const next = sent(layer.inputs[i], step);
        const int64_t size = sent_size(layer.inputs[i]);
        for (int64_t j = 0; j < size; ++j) {
            const double x = out[j], y = next[j];
            out[j] = layer.kind == LayerKind::concat ? y
                     : layer.kind == LayerKind::add  ? x + y
                     : layer.kind == LayerKind::both ? x * y
                                                     : x * (1 - y);
        }
        if (layer.kind == LayerKind::concat) out += size;
    }
}

void GraphTrace::forward_layer(int l, std::span<const float> potentials) {
    const Layer& layer = network_.layers[l];
    Node& node = nodes_[l];
    const int64_t outputs = outputs_of(layer), pooled = element_count(layer.pooled_shape());
    node.fired.assign(steps_ * outputs, 0);
    if (layer.neuron)
        fire(l, potentials);
    else
        for (int step = 0; step < steps_; ++step) operate(l, step, &node.fired[step * outputs]);
    if (layer.pool.kind == PoolKind::none) {
        node.sent = node.fired;
        return;
    }
    node.sent.assign(steps_ * pooled, 0);
    const double share = layer.pool.kind == PoolKind::average ? 1.0 / layer.pool.area() : 1.0;
    for (int step = 0; step < steps_; ++step) {
        const double* const from = &node.fired[step * outputs];
        double* const to = &node.sent[step * pooled];
        for (int64_t i = 0; i < pooled; ++i)
            if (layer.pool.kind == PoolKind::max)
                to[i] = from[first_maximum(layer, i, from)];
            else
                for_each_in_window(layer, i, [&](int64_t place) { to[i] += share * from[place]; });
    }
}

std::vector<GraphTrace::NeuronNumbers> GraphTrace::neurons_of(const Layer& layer) {
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    std::vector<NeuronNumbers> neurons;
    for (int64_t i = 0; i < outputs_of(layer); ++i) {
        const Neuron neuron = neuron_at(*layer.neuron, layer.values, i / pixels, i % pixels, pixels);
        neurons.push_back({lower_neuron<double>(neuron), input_scale<double>(neuron), neuron.threshold});
    }
    return neurons;
}

/// Spikes of all steps, smooth where that is asked for; given potentials decide where there are any.
void GraphTrace::fire(int l, std::span<const float> potentials) {
    const Layer& layer = network_.layers[l];
    Node& node = nodes_[l];
    const int64_t neurons = outputs_of(layer);
    const std::vector<NeuronNumbers> numbers = neurons_of(layer);
    node.potentials.assign(potentials.begin(), potentials.end());
    node.potentials.resize(steps_ * neurons);
    Values current(neurons), membrane(neurons), synapse(neurons), adaptation(neurons);
    for (int step = 0; step < steps_; ++step) {
        double *const u = &node.potentials[step * neurons], *const spike = &node.fired[step * neurons];
        const double* const before = step > 0 ? spike - neurons : nullptr;
        if (potentials.empty()) {
            operate(l, step, current.data());
            if (before && recurrences_[l])
                for_each_product(*recurrences_[l], [&](int64_t from, int64_t to, int64_t w) {
                    current[to] += recurrences_[l]->weight.data[w] * before[from];
                });
        }
        for (int64_t i = 0; i < neurons; ++i) {
            const auto& [constants, scale, threshold] = numbers[i];
            const kernels::NeuronStep<kernels::ResetForm::any, double> n{constants};
            double potential = 0;
            if (potentials.empty()) {
                synapse[i] = n.charge(synapse[i], scale * current[i]);
                potential = n.potential(membrane[i], before ? before[i] : 0.0, synapse[i]);
                adaptation[i] = n.adaptation(adaptation[i], before ? before[i] : 0.0);
                u[i] = potential - adaptation[i];
            }
            spike[i] = options_.smooth ? surrogate_step(options_.surrogate, u[i] / threshold - 1)
                       : n.fires(u[i]) ? 1.0
                                       : 0.0;
            membrane[i] = n.after(potential, spike[i]) - n.rise_subtracted(adaptation[i]) * spike[i];
        }
    }
}

/// The readout: what each step brings to the score.
void GraphTrace::start_backward(int target) {
    input_gradient_.assign(input_.size(), 0);
    for (Node& node : nodes_) {
        node.fired_gradient.assign(node.fired.size(), 0);
        node.sent_gradient.assign(node.sent.size(), 0);
    }
    const std::vector<double> kept = kept_by_readout(network_.layers.back(), steps_);
    for (int step = 0; step < steps_; ++step)
        nodes_.back().sent_gradient[step * network_.class_count() + target] = kept[step] / steps_;
}

GraphTrace::Values GraphTrace::input_gradient(int target) {
    start_backward(target);
    for (int l = static_cast<int>(nodes_.size()); l-- > 0;) {
        unpool(l);
        unfire(l);
    }
    return input_gradient_;
}

GraphTrace::Values GraphTrace::fired_gradient(int target, int layer) {
    start_backward(target);
    for (int l = static_cast<int>(nodes_.size()); l-- > layer;) {
        unpool(l);
        if (l > layer) unfire(l);
    }
    return nodes_[layer].fired_gradient;
}

void GraphTrace::unpool(int l) {
    const Layer& layer = network_.layers[l];
    Node& node = nodes_[l];
    if (layer.pool.kind == PoolKind::none) {
        node.fired_gradient = node.sent_gradient;
        return;
    }
    const int64_t outputs = outputs_of(layer), pooled = element_count(layer.pooled_shape());
    const double share = layer.pool.kind == PoolKind::average ? 1.0 / layer.pool.area() : 1.0;
    for (int step = 0; step < steps_; ++step) {
        const double* const from = &node.sent_gradient[step * pooled];
        double* const to = &node.fired_gradient[step * outputs];
        for (int64_t i = 0; i < pooled; ++i)
            if (layer.pool.kind == PoolKind::max)
                to[first_maximum(layer, i, &node.fired[step * outputs])] += from[i];
            else
                for_each_in_window(layer, i, [&](int64_t place) { to[place] += share * from[i]; });
    }
}

/// By how much the thresholds were higher at each step; nothing where they do not adapt.
GraphTrace::Values GraphTrace::adaptations(int l, const std::vector<NeuronNumbers>& numbers) const {
    const Layer& layer = network_.layers[l];
    if (!adapts(*layer.neuron, layer.values)) return {};
    const int64_t neurons = outputs_of(layer);
    Values result(steps_ * neurons);
    for (int64_t i = neurons; i < steps_ * neurons; ++i) {
        const kernels::NeuronStep<kernels::ResetForm::any, double> n{numbers[i % neurons].constants};
        result[i] = n.adaptation(result[i - neurons], nodes_[l].fired[i - neurons]);
    }
    return result;
}

/// The adjoint of a layer's neurons, from its last step to its first, and of its operation.
void GraphTrace::unfire(int l) {
    const Layer& layer = network_.layers[l];
    Node& node = nodes_[l];
    const int64_t neurons = outputs_of(layer);
    const std::vector<NeuronNumbers> numbers = layer.neuron ? neurons_of(layer) : std::vector<NeuronNumbers>{};
    Values to_potential(neurons), to_synapse(neurons), to_current(neurons);  // of the step after, then of this one
    Values to_adaptation(neurons);
    const Values adaptation = layer.neuron ? adaptations(l, numbers) : Values{};
    for (int step = steps_; step-- > 0;) {
        const double* const gradient = &node.fired_gradient[step * neurons];
        if (!layer.neuron) {
            unoperate(l, step, gradient);
            continue;
        }
        Values to_spike(gradient, gradient + neurons);
        if (step + 1 < steps_ && recurrences_[l])
            for_each_product(*recurrences_[l], [&](int64_t from, int64_t to, int64_t w) {
                to_spike[from] += recurrences_[l]->weight.data[w] * to_current[to];
            });
        for (int64_t i = 0; i < neurons; ++i) {
            const auto& [n, scale, threshold] = numbers[i];
            const double rise = adaptation.empty() ? 0.0 : adaptation[step * neurons + i];
            const double compared = node.potentials[step * neurons + i], u = compared + rise;
            const double s = node.fired[step * neurons + i], to_membrane = n.beta * to_potential[i];
            const bool rise_subtracted = !n.to_value && n.reset_now != 0;
            if (options_.surrogate.through_reset)
                to_spike[i] +=
                    to_membrane * (n.to_value ? n.v_reset - u : -n.reset_now - (rise_subtracted ? rise : 0.0)) -
                    n.reset_delayed * to_potential[i] + n.adapt * to_adaptation[i];
            const double from_spike =
                to_spike[i] * surrogate_derivative(options_.surrogate, compared / threshold - 1) / threshold;
            to_adaptation[i] = n.rho * to_adaptation[i] - from_spike - (rise_subtracted ? s * to_membrane : 0.0);
            to_potential[i] = from_spike + to_membrane * (n.to_value ? 1 - s : 1.0);
            to_synapse[i] = to_potential[i] + n.alpha * to_synapse[i];
            to_current[i] = scale * to_synapse[i];
        }
        unoperate(l, step, to_current.data());
    }
}

/// Adds what the layer's inputs have in its gradient.
void GraphTrace::unoperate(int l, int step, const double* gradient) {
    const Layer& layer = network_.layers[l];
    if (layer.weighted()) {
        double* const to = sent_gradient(layer.inputs[0], step);
        return for_each_product(
            layer, [&](int64_t in, int64_t out, int64_t w) { to[in] += layer.weight.data[w] * gradient[out]; });
    }
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    for (size_t i = 0; i < layer.inputs.size(); ++i) {
        double* const to = sent_gradient(layer.inputs[i], step);
        const int64_t size = sent_size(layer.inputs[i]);
        for (int64_t j = 0; j < size; ++j) {
            double others = layer.kind == LayerKind::norm ? norm_values(layer, step).factor[j / pixels] : 1.0;
            for (size_t k = 0; k < layer.inputs.size(); ++k) {
                const double value = sent(layer.inputs[k], step)[layer.kind == LayerKind::concat ? 0 : j];
                if (layer.kind == LayerKind::both && k != i) others *= value;
                if (layer.kind == LayerKind::except)
                    others *= k == i ? (i == 0 ? 1.0 : -1.0) : k == 1 ? 1 - value : value;
            }
            to[j] += others * gradient[j];
        }
        if (layer.kind == LayerKind::concat) gradient += size;
    }
}

}  // namespace spikelens

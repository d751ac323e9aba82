#include "lower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace spikelens {
namespace {

using kernels::LayerPlan;
using kernels::NeuronStep;

constexpr int kWeightBits = 24;

NeuronStep lower_neuron(const Neuron& neuron) {
    NeuronStep step;
    step.beta = neuron.beta;
    step.fire_above =
        neuron.at_threshold ? std::nextafter(neuron.threshold, -std::numeric_limits<float>::infinity()) : neuron.threshold;
    step.v_reset = neuron.v_reset;
    step.alpha = neuron.alpha;
    step.to_value = neuron.reset == Reset::zero;
    if (neuron.reset == Reset::subtract) (neuron.delay ? step.reset_delayed : step.reset_now) = neuron.threshold;
    return step;
}

/// A leaking readout is a neuron that never fires.
NeuronStep lower_readout(const Layer& layer) {
    NeuronStep step;
    step.beta = layer.readout_beta;
    step.fire_above = std::numeric_limits<float>::infinity();
    return step;
}

/// Outputs computed together: registers cost one addition each, every group walks over the spikes once more.
int choose_lanes(int outputs) {
    const auto cost = [&](int lanes) {
        const int groups = (outputs + lanes - 1) / lanes;
        return groups * (lanes / 16.0 + 1.5);
    };
    return std::ranges::min(std::array{64, 32, 16}, {}, cost);
}

LayerPlan geometry(const Layer& layer) {
    LayerPlan plan;
    plan.in_height = layer.in_height;
    plan.in_width = layer.in_width;
    plan.in_channels = layer.in_channels;
    plan.in_words = (layer.in_channels + 63) / 64;
    plan.out_height = layer.out_height;
    plan.out_width = layer.out_width;
    plan.out_channels = layer.out_channels;
    plan.out_words = (layer.out_channels + 63) / 64;
    const bool conv = layer.kind == LayerKind::conv;
    plan.kernel_height = conv ? layer.kernel : layer.in_height;
    plan.kernel_width = conv ? layer.kernel : layer.in_width;
    plan.stride = conv ? layer.stride : 1;
    plan.padding = conv ? layer.padding : 0;
    plan.lanes = choose_lanes(layer.out_channels);
    plan.blocks = (layer.out_channels + plan.lanes - 1) / plan.lanes;
    for (int row = 0; row < plan.out_height; ++row) plan.rows.push_back({row, 0, plan.out_width});
    plan.neuron = layer.neuron ? lower_neuron(*layer.neuron) : lower_readout(layer);
    return plan;
}

/// What the neuron does to its current: gain and input decay.
double current_factor(const Layer& layer) {
    if (!layer.neuron) return 1.0;
    return double{layer.neuron->gain} * (layer.neuron->decay_input ? 1.0 - double{layer.neuron->beta} : 1.0);
}

void set_scales(LayerPlan& plan, const Layer& layer, const std::vector<double>& weight_scale) {
    const double factor = current_factor(layer);
    plan.exact_scale.assign(plan.padded(), 0.0);
    plan.exact_bias.assign(plan.padded(), 0.0);
    for (int o = 0; o < layer.out_channels; ++o) {
        plan.exact_scale[o] = weight_scale[o] * factor;
        if (layer.has_bias) plan.exact_bias[o] = double{layer.bias.data[o]} * factor;
    }
    plan.scale.assign(plan.exact_scale.begin(), plan.exact_scale.end());
    plan.bias.assign(plan.exact_bias.begin(), plan.exact_bias.end());
}

/// Position in [block][tap][in_channel][lane] of weight `i` of [in, k, k] or of the flattened [in, h, w].
size_t lane_position(const LayerPlan& plan, int output, int64_t i) {
    const int64_t channel = i / plan.taps(), tap = i % plan.taps();
    return ((size_t(output / plan.lanes) * plan.taps() + tap) * plan.in_channels + channel) * plan.lanes + output % plan.lanes;
}

}  // namespace

QuantisedWeights quantise(const float* weights, int64_t count) {
    QuantisedWeights result;
    result.q.resize(count);
    float largest = 0;
    for (int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(weights[i]));
    if (largest == 0) return result;
    int binade = 0;
    std::frexp(largest, &binade);  // largest < 2^binade
    result.exponent = binade - kWeightBits;
    for (int64_t i = 0; i < count; ++i)
        result.q[i] = static_cast<int32_t>(std::nearbyint(std::ldexp(double{weights[i]}, -result.exponent)));
    return result;
}

LayerPlan lower_for_spikes(const Layer& layer, double input_scale) {
    LayerPlan plan = geometry(layer);
    const int64_t fan_in = layer.fan_in();
    plan.weights.assign(size_t(plan.blocks) * plan.taps() * plan.in_channels * plan.lanes, 0);
    plan.all_rows.assign(plan.padded(), 0);
    std::vector<double> scale(layer.out_channels);
    for (int o = 0; o < layer.out_channels; ++o) {
        const QuantisedWeights quantised = quantise(&layer.weight.data[o * fan_in], fan_in);
        for (int64_t i = 0; i < fan_in; ++i) plan.weights[lane_position(plan, o, i)] = quantised.q[i];
        plan.all_rows[o] = std::accumulate(quantised.q.begin(), quantised.q.end(), int64_t{0});
        const auto add_size = [](int64_t sum, int32_t q) { return sum + std::abs(q); };
        plan.largest_total =
            std::max(plan.largest_total, std::accumulate(quantised.q.begin(), quantised.q.end(), int64_t{0}, add_size));
        scale[o] = std::ldexp(input_scale, quantised.exponent);
    }
    set_scales(plan, layer, scale);
    return plan;
}

LayerPlan lower_for_real_input(const Layer& layer) {
    LayerPlan plan = geometry(layer);
    const int64_t fan_in = layer.fan_in();
    const double factor = current_factor(layer);
    plan.real_weights.assign(size_t(plan.blocks) * plan.taps() * plan.in_channels * plan.lanes, 0);
    for (int o = 0; o < layer.out_channels; ++o)
        for (int64_t i = 0; i < fan_in; ++i)
            plan.real_weights[lane_position(plan, o, i)] = static_cast<float>(layer.weight.data[o * fan_in + i] * factor);
    set_scales(plan, layer, std::vector<double>(layer.out_channels, 1.0));
    return plan;
}

}  // namespace spikelens

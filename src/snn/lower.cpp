#include "lower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace spikelens {
namespace {

using kernels::LayerPlan;

constexpr int kWeightBits = 24;

/// A leaking readout is a neuron that never fires.
kernels::NeuronConstants<float> lower_readout(const Layer& layer) {
    kernels::NeuronConstants<float> step;
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
    plan.neuron = layer.neuron ? lower_neuron<float>(*layer.neuron) : lower_readout(layer);
    return plan;
}

double current_factor(const Layer& layer) { return layer.neuron ? input_scale<double>(*layer.neuron) : 1.0; }

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

/// Weights [out][channel][tap] (also those of a flattened input) as [block][tap][channel][lane], each converted:
/// convert(output, weight). For some channels at a time all lanes of a block, so that what is written stays in the cache.
template <class T, class Convert>
void place_weights(const LayerPlan& plan, const Layer& layer, T* to, Convert convert) {
    const int taps = plan.taps(), channels = plan.in_channels, at_once = std::max(1, 256 / taps);
    for (int block = 0; block < plan.blocks; ++block)
        for (int first = 0; first < channels; first += at_once)
            for (int lane = 0; lane < plan.lanes; ++lane) {
                const int output = block * plan.lanes + lane;
                if (output >= plan.out_channels) break;
                const float* from = &layer.weight.data[(int64_t{output} * channels + first) * taps];
                for (int channel = first; channel < std::min(channels, first + at_once); ++channel)
                    for (int tap = 0; tap < taps; ++tap)
                        to[((int64_t{block} * taps + tap) * channels + channel) * plan.lanes + lane] = convert(output, *from++);
            }
}

/// Of one output's fixed point, w ≈ 2^exponent · q with |q| ≤ 2^24.
int fixed_point_exponent(std::span<const float> weights) {
    float largest = 0;
    for (const float weight : weights) largest = std::max(largest, std::abs(weight));
    if (largest == 0) return 0;
    int binade = 0;
    std::frexp(largest, &binade);  // largest < 2^binade
    return binade - kWeightBits;
}

/// Sums of all weights of each output, as they are and of their sizes.
void add_totals(LayerPlan& plan) {
    plan.all_rows.assign(plan.padded(), 0);
    std::vector<int64_t> sizes(plan.padded());
    const int64_t rows = int64_t{plan.taps()} * plan.in_channels;
    for (int block = 0; block < plan.blocks; ++block) {
        const int32_t* weight = &plan.weights[block * rows * plan.lanes];
        int64_t *const sum = &plan.all_rows[block * plan.lanes], *const size = &sizes[block * plan.lanes];
        for (int64_t row = 0; row < rows; ++row, weight += plan.lanes)
            for (int lane = 0; lane < plan.lanes; ++lane) {
                sum[lane] += weight[lane];
                size[lane] += std::abs(weight[lane]);
            }
    }
    plan.largest_total = std::ranges::max(sizes);
}

}  // namespace

LayerPlan lower_for_spikes(const Layer& layer, double input_scale) {
    LayerPlan plan = geometry(layer);
    const int64_t fan_in = layer.fan_in();
    plan.weights.assign(size_t(plan.blocks) * plan.taps() * plan.in_channels * plan.lanes, 0);
    std::vector<double> scale(layer.out_channels), units(layer.out_channels);
    for (int o = 0; o < layer.out_channels; ++o) {
        const int exponent = fixed_point_exponent(std::span(layer.weight.data).subspan(o * fan_in, fan_in));
        scale[o] = std::ldexp(input_scale, exponent);
        units[o] = std::ldexp(1.0, -exponent);
    }
    place_weights(plan, layer, plan.weights.data(),
                  [&](int output, float weight) { return static_cast<int32_t>(std::lrint(weight * units[output])); });
    add_totals(plan);
    set_scales(plan, layer, scale);
    return plan;
}

LayerPlan lower_for_real_input(const Layer& layer) {
    LayerPlan plan = geometry(layer);
    const double factor = current_factor(layer);
    plan.real_weights.assign(size_t(plan.blocks) * plan.taps() * plan.in_channels * plan.lanes, 0);
    place_weights(plan, layer, plan.real_weights.data(),
                  [&](int, float weight) { return static_cast<float>(weight * factor); });
    set_scales(plan, layer, std::vector<double>(layer.out_channels, 1.0));
    return plan;
}

}  // namespace spikelens

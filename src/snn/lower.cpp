#include "lower.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "kernels/weight_parts.h"

namespace spikelens {
namespace {

using kernels::LayerPlan;

constexpr int kWeightBits = 24;

/// A leaking readout is a neuron that never fires.
kernels::NeuronConstants<float> lower_readout(const Layer& layer) {
    kernels::NeuronConstants<float> step;
    step.beta = layer.readout_beta;
    step.alpha = layer.readout_alpha;
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
    plan.kernel_width = conv ? layer.kernel_columns() : layer.in_width;
    plan.stride = conv ? layer.stride : 1;
    plan.padding = conv ? layer.padding : 0;
    plan.lanes = choose_lanes(layer.out_channels);
    plan.blocks = (layer.out_channels + plan.lanes - 1) / plan.lanes;
    for (int row = 0; row < plan.out_height; ++row) plan.rows.push_back({row, 0, plan.out_width});
    plan.neuron = layer.neuron ? lower_neuron<float>(*layer.neuron) : lower_readout(layer);
    return plan;
}

/// What currents are scaled by before they are rounded; where neurons differ, they are scaled after.
double current_factor(const Layer& layer) {
    return layer.neuron && layer.values.empty() ? input_scale<double>(*layer.neuron) : 1.0;
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

/// Weights [out][channel][tap] (also those of a flattened input) as [block][tap][channel][lane], each converted:
/// convert(output, weight). For some channels at a time all lanes of a block, so that what is written stays in the
/// cache.
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
                        to[((int64_t{block} * taps + tap) * channels + channel) * plan.lanes + lane] =
                            convert(output, *from++);
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

/// Whether the weights above 0 of each part and output, and those below, fit int32: so does any sum of some of them.
bool part_sums_fit(const LayerPlan& plan, int part_rows) {
    const kernels::WeightParts parts(plan, part_rows);
    const int64_t rows = int64_t{plan.taps()} * plan.in_channels;
    std::vector<int64_t> above(plan.lanes), below(plan.lanes);
    for (int block = 0; block < plan.blocks; ++block)
        for (int part = 0; part < parts.count(); ++part) {
            const kernels::WeightPart of = parts.at(part);
            const int32_t* weight = &plan.weights[(block * rows + of.first_row(plan)) * plan.lanes];
            std::ranges::fill(above, 0);
            std::ranges::fill(below, 0);
            for (int row = 0; row < of.rows(); ++row, weight += plan.lanes)
                for (int lane = 0; lane < plan.lanes; ++lane) {
                    above[lane] += std::max(0, weight[lane]);
                    below[lane] -= std::min(0, weight[lane]);
                }
            if (std::max(std::ranges::max(above), std::ranges::max(below)) > INT32_MAX) return false;
        }
    return true;
}

/// The most inputs of a part whose weights fit int32, whichever of them spike.
int choose_part_rows(const LayerPlan& plan) {
    for (int rows = kernels::kMostPartRows; rows > 64; rows -= 64)
        if (part_sums_fit(plan, rows)) return rows;
    return 64;  // 64 · 2^24 < 2^31
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
    plan.part_rows = choose_part_rows(plan);
}

}  // namespace

namespace {

/// Of one output's weights, recurrent ones too: they are added in one sum.
struct FixedPoint {
    std::vector<double> scale, unit;  ///< 2^e and 2^−e

    explicit FixedPoint(const Layer& layer) {
        const int64_t fan_in = layer.fan_in(), outputs = layer.out_channels;
        const auto& recurrent = layer.recurrence.weight.data;
        const int64_t recurrent_size = static_cast<int64_t>(recurrent.size()) / outputs;
        for (int64_t o = 0; o < outputs; ++o) {
            std::vector<float> own(recurrent.begin() + o * recurrent_size,
                                   recurrent.begin() + (o + 1) * recurrent_size);
            const auto weights = std::span(layer.weight.data).subspan(o * fan_in, fan_in);
            if (!own.empty()) own.insert(own.end(), weights.begin(), weights.end());
            const int exponent = fixed_point_exponent(own.empty() ? weights : std::span<const float>(own));
            scale.push_back(std::ldexp(1.0, exponent));
            unit.push_back(std::ldexp(1.0, -exponent));
        }
    }
    std::vector<double> scales(double input_scale) const {
        std::vector<double> result = scale;
        for (double& each : result) each *= input_scale;
        return result;
    }
    int32_t fixed(int64_t output, float weight) const {
        return static_cast<int32_t>(std::lrint(weight * unit[output]));
    }
};

/// Weights [out][in/groups][tap] as [tap][in][out/groups], converted.
template <class T, class Convert>
std::vector<T> by_input(const SumPlan& plan, const FloatArray& weight, Convert convert) {
    const int taps = plan.rows.kernel * plan.columns.kernel;
    const int inputs = plan.in_channels / plan.groups, outputs = plan.out_channels / plan.groups;
    std::vector<T> result(weight.data.size());
    const float* from = weight.data.data();
    for (int o = 0; o < plan.out_channels; ++o)
        for (int c = 0; c < inputs; ++c)
            for (int tap = 0; tap < taps; ++tap) {
                const int64_t input = o / outputs * inputs + c;
                result[(int64_t{tap} * plan.in_channels + input) * outputs + o % outputs] = convert(o, *from++);
            }
    return result;
}

/// The weights of a plan whose windows and channels are known.
template <class Convert>
void set_weights(SumPlan& plan, const FloatArray& weight, Convert convert) {
    plan.weights = by_input<int32_t>(plan, weight, convert);
    std::vector<int64_t> sizes(plan.out_channels);
    const int outputs = plan.out_channels / plan.groups, inputs = plan.in_channels / plan.groups;
    for (size_t i = 0; i < plan.weights.size(); ++i) {
        const int64_t input = static_cast<int64_t>(i) / outputs % plan.in_channels;
        sizes[input / inputs * outputs + static_cast<int64_t>(i) % outputs] += std::abs(int64_t{plan.weights[i]});
    }
    plan.largest_total = std::ranges::max(sizes);
}

SumPlan windows_of(const Layer& layer) {
    SumPlan plan;
    const bool conv = layer.kind == LayerKind::conv;
    plan.rows = {layer.in_height, conv ? layer.kernel : layer.in_height, layer.stride, layer.padding, layer.dilation};
    plan.columns = {layer.in_width, conv ? layer.kernel_columns() : layer.in_width, layer.stride_columns(),
                    layer.padding_columns(), layer.dilation_columns()};
    plan.in_channels = layer.in_channels;
    plan.out_channels = layer.out_channels;
    plan.groups = layer.groups;
    return plan;
}

void lower_recurrence(const Layer& layer, const FixedPoint& fixed, GeneralPlan& plan) {
    const Recurrence& recurrence = layer.recurrence;
    const int pixels = layer.out_height * layer.out_width, kernel = recurrence.kernel;
    plan.recurrence = recurrence.kind;
    SumPlan& sums = plan.recurrent;
    sums.in_channels = sums.out_channels = layer.out_channels;
    sums.rows = {layer.out_height, kernel, 1, kernel / 2, 1};
    sums.columns = {layer.out_width, kernel, 1, kernel / 2, 1};
    if (recurrence.kind == RecurrenceKind::all) {
        sums.out_channels *= pixels;
        sums.rows = {layer.out_height, layer.out_height, 1, 0, 1};
        sums.columns = {layer.out_width, layer.out_width, 1, 0, 1};
    }
    const int outputs_each = sums.out_channels / layer.out_channels;
    const auto convert = [&](int output, float weight) { return fixed.fixed(output / outputs_each, weight); };
    if (recurrence.kind == RecurrenceKind::one)
        for (int o = 0; o < layer.out_channels; ++o) plan.one_to_one.push_back(convert(o, recurrence.weight.data[o]));
    else
        set_weights(sums, recurrence.weight, convert);
    for (const double scale : fixed.scale)
        plan.recurrent_scale.push_back(static_cast<float>(scale * current_factor(layer)));
}

void lower_values(const Layer& layer, GeneralPlan& plan) {
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width;
    for (const NeuronValue& value : layer.values) plan.neurons_by_pixel |= value.values.shape.size() > 1;
    for (int64_t channel = 0; channel < layer.out_channels; ++channel)
        for (int64_t pixel = 0; pixel < (plan.neurons_by_pixel ? pixels : 1); ++pixel) {
            const Neuron neuron = neuron_at(*layer.neuron, layer.values, channel, pixel, pixels);
            plan.neurons.push_back(lower_neuron<float>(neuron));
            plan.input_scale.push_back(input_scale<float>(neuron));
        }
}

}  // namespace

LayerPlan lower_for_spikes(const Layer& layer, double input_scale) {
    LayerPlan plan = geometry(layer);
    plan.weights.assign(size_t(plan.blocks) * plan.taps() * plan.in_channels * plan.lanes, 0);
    const FixedPoint fixed(layer);
    place_weights(plan, layer, plan.weights.data(),
                  [&](int output, float weight) { return fixed.fixed(output, weight); });
    add_totals(plan);
    set_scales(plan, layer, fixed.scales(input_scale));
    return plan;
}

GeneralPlan lower_general(const Layer& layer, int64_t divisor, LayerPlan& plan) {
    GeneralPlan general;
    const bool recurrent = layer.recurrence.kind != RecurrenceKind::none;
    general.own_sums = recurrent || needs_own_sums(layer);
    if (general.own_sums) {
        const FixedPoint fixed(layer);
        general.sums = windows_of(layer);
        set_weights(general.sums, layer.weight, [&](int output, float weight) { return fixed.fixed(output, weight); });
        if (layer.inputs[0] == kNetworkInput)
            general.real_weights = by_input<float>(general.sums, layer.weight, [&](int, float weight) {
                return static_cast<float>(weight * current_factor(layer));
            });
        set_scales(plan, layer, fixed.scales(1.0 / static_cast<double>(divisor)));
        if (recurrent) lower_recurrence(layer, fixed, general);
    }
    if (layer.neuron && (recurrent || !kernels_fire(layer))) lower_values(layer, general);
    return general;
}

LayerPlan lower_join(const Layer& layer) { return geometry(layer); }

void send_currents(LayerPlan& plan) {
    plan.neuron = {};
    plan.neuron.fire_above = std::numeric_limits<float>::infinity();
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

#include "chain_weights.h"

#include <string>

#include "spikelens/core/error.h"

namespace spikelens::gpu {
namespace {

constexpr int64_t kMostSum = int64_t{1} << 24;  // of inputs: 128 times as much fits int32

Window window_of(const kernels::LayerPlan& plan) {
    return {plan.in_height,     plan.in_width,     plan.in_channels, plan.out_height, plan.out_width,
            plan.kernel_height, plan.kernel_width, plan.stride,      plan.padding};
}

/// As many as tiles have outputs; zero where there is no output.
std::vector<float> filled(const AlignedVector<float>& values, int outputs, int64_t count) {
    std::vector<float> result(values.begin(), values.begin() + outputs);
    result.resize(static_cast<size_t>(count));
    return result;
}

}  // namespace

Map ChainLayer::fired(int64_t samples, int steps) const {
    return {nullptr, samples, layer->out_height, layer->out_width, steps, layer->out_channels};
}

Map ChainLayer::sent(int64_t samples, int steps) const {
    return {nullptr, samples, layer->pooled_height, layer->pooled_width, steps, layer->out_channels};
}

ChainWeights::ChainWeights(const Simulator::Plan& plan, Device& device, std::string_view engine)
    : plan_(plan), device_(device), engine_(engine) {
    require_chain(*plan.network, "the engine " + engine_);
    for (size_t l = 0; l < plan.layers.size(); ++l) {
        ChainLayer& layer = layers_.emplace_back(device);
        layer.layer = &plan.network->layers[l];
        layer.plan = &plan.layers[l];
        if (l == 0) layer.real = &plan.real_inputs[0];
        if (l > 0) check_sums(l, plan.signals[l - 1].sent.most);
        layer.keep_at = mask_bytes_;
        mask_bytes_ += layer.fired(0, 0).padded();
        place(layer);
    }
}

/// A byte holds each input, and int32 each sum of a slice.
void ChainWeights::check_sums(size_t layer, int64_t most) const {
    const Layer& of = plan_.network->layers[layer];
    if (most <= UINT8_MAX && of.fan_in() * most < kMostSum) return;
    throw InputError("layer " + of.name + " reads " + std::to_string(of.fan_in()) + " numbers of up to " +
                     std::to_string(most) + " spikes; the engine " + engine_ +
                     " takes numbers up to 255 whose sum is below " + std::to_string(kMostSum));
}

void ChainWeights::check_input(const RunInput& input) const {
    if (input.spikes) check_sums(0, (int64_t{1} << input.planes) - 1);
}

void ChainWeights::place(ChainLayer& layer) const {
    const kernels::LayerPlan& plan = *layer.plan;
    layer.window = window_of(plan);
    layer.depth = {plan.taps(), plan.in_channels};
    layer.tile_outputs = plan.out_channels > Tile<1>::kOutputs ? Tile<2>::kOutputs : Tile<1>::kOutputs;
    SliceWeights slicing{layer.depth, plan.lanes, plan.out_channels, layer.tile_outputs, nullptr, nullptr};
    Buffer weights(device_);
    slicing.weights = weights.hold(plan.weights);
    slicing.slices = layer.slices.need_many<int8_t>(slicing.bytes());
    device_.run(slicing);
    const int64_t outputs = int64_t{slicing.tiles()} * layer.tile_outputs;
    layer.scale.hold(filled(plan.scale, plan.out_channels, outputs));
    layer.bias.hold(filled(plan.bias, plan.out_channels, outputs));
    if (!layer.real) return;
    layer.real_weights.hold(layer.real->real_weights);
    layer.real_bias.hold(layer.real->bias);
}

std::vector<uint8_t> ChainWeights::mask(std::span<const FilterIndex> ablated) const {
    std::vector<uint8_t> mask(mask_bytes_);
    for (const ChainLayer& layer : layers_)
        for (int channel = 0; channel < layer.layer->out_channels; ++channel) mask[layer.keep_at + channel] = 1;
    for (const FilterIndex& filter : ablated) mask[layers_[filter.layer].keep_at + filter.filter] = 0;
    return mask;
}

}  // namespace spikelens::gpu

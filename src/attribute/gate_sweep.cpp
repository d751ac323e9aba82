#include "gate_sweep.h"

#include <algorithm>

namespace spikelens {
namespace {

float current_scale(const Layer& layer) {
    if (!layer.neuron) return 1;
    return layer.neuron->gain * (layer.neuron->decay_input ? 1 - layer.neuron->beta : 1);
}

/// A window's spikes become this much input of the layer that follows.
float spike_size(const Pool& pool) {
    return pool.kind == PoolKind::average ? 1.0F / static_cast<float>(pool.size * pool.size) : 1.0F;
}

std::vector<float> pooled_input(const Layer& before, std::span<const uint16_t> pooled) {
    std::vector<float> input(pooled.begin(), pooled.end());
    for (float& value : input) value *= spike_size(before.pool);
    return input;
}

/// A silent neuron, and one that fired although its drive was not positive in sum, pass nothing.
float gate(uint16_t spikes, float drive) {
    if (spikes == 0 || drive <= 0) return 0;
    return std::min(1.0F, static_cast<float>(spikes) / drive);
}

/// Calls visit(neuron) for the neurons of a pool's window.
template <class Visit>
void for_each_in_window(const Layer& layer, int64_t channel, int64_t row, int64_t column, Visit visit) {
    const Pool& pool = layer.pool;
    for (int64_t y = row * pool.stride; y < row * pool.stride + pool.size; ++y) {
        for (int64_t x = column * pool.stride; x < column * pool.stride + pool.size; ++x) {
            visit((channel * layer.out_height + y) * layer.out_width + x);
        }
    }
}

}  // namespace

GateSweep::GateSweep(const Network& network) : network_(network) {
    for (const Layer& layer : network.layers) maps_.emplace_back(layer);
}

RecordRequest GateSweep::request() const {
    RecordRequest request{.layers = {}, .counts = true, .pooled_counts = true};
    for (size_t i = 0; i < network_.layers.size(); ++i) {
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    }
    return request;
}

std::vector<float> GateSweep::gates(size_t index, std::span<const float> image, const Recording& recording, int64_t n) const {
    const Layer& layer = network_.layers[index];
    const auto steps = static_cast<float>(network_.steps);
    const bool first = index == 0;
    const auto before = static_cast<int>(index) - 1;
    std::vector<float> drive =
        first ? maps_[0].apply(image)
              : maps_[index].apply(pooled_input(network_.layers[before], recording.layer(before).pooled_counts.row(n)));
    const auto counts = recording.layer(static_cast<int>(index)).counts.row(n);
    const size_t neurons = drive.size() / layer.out_channels;
    for (size_t i = 0; i < drive.size(); ++i) {
        const float bias = layer.has_bias ? layer.bias.data[i / neurons] : 0.0F;
        const float sum = first ? steps * (drive[i] + bias) : drive[i] + steps * bias;
        drive[i] = gate(counts[i], current_scale(layer) * sum);
    }
    return drive;
}

std::vector<float> GateSweep::unpool(size_t index, std::span<const float> gain, const Recording& recording, int64_t n) const {
    const Layer& layer = network_.layers[index];
    if (layer.pool.kind == PoolKind::none) return {gain.begin(), gain.end()};
    const LayerRecording& recorded = recording.layer(static_cast<int>(index));
    const auto counts = recorded.counts.row(n);
    const auto pooled = recorded.pooled_counts.row(n);
    std::vector<float> result(counts.size());
    for (int64_t window = 0; window < static_cast<int64_t>(gain.size()); ++window) {
        const int64_t column = window % layer.pooled_width, row = window / layer.pooled_width % layer.pooled_height;
        const int64_t channel = window / layer.pooled_width / layer.pooled_height;
        int64_t spikes = 0;
        for_each_in_window(layer, channel, row, column, [&](int64_t neuron) { spikes += counts[neuron]; });
        const bool average = layer.pool.kind == PoolKind::average;
        if (spikes == 0 && !average) continue;
        const float share = average ? spike_size(layer.pool) : static_cast<float>(pooled[window]) / static_cast<float>(spikes);
        for_each_in_window(layer, channel, row, column, [&](int64_t neuron) { result[neuron] += share * gain[window]; });
    }
    return result;
}

std::vector<float> GateSweep::input_gain(std::span<const float> image, const Recording& recording, int64_t n,
                                         int target) const {
    const auto steps = static_cast<float>(network_.steps);
    std::vector<float> gain(network_.class_count());
    gain[target] = 1 / steps;
    for (size_t index = network_.layers.size(); index-- > 0;) {
        const Layer& layer = network_.layers[index];
        if (layer.neuron) {
            const std::vector<float> gate = gates(index, image, recording, n);
            for (size_t i = 0; i < gain.size(); ++i) gain[i] *= current_scale(layer) * gate[i];
        }
        gain = maps_[index].apply_transposed(gain);
        if (index > 0) gain = unpool(index - 1, gain, recording, n);
    }
    for (float& value : gain) value *= steps;
    return gain;
}

}  // namespace spikelens

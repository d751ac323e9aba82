#include "gate_sweep.h"

#include <algorithm>
#include <cmath>

namespace spikelens {
namespace {

float current_scale(const Layer& layer) {
    if (!layer.neuron) return 1;
    return input_scale<float>(*layer.neuron) / (1 - layer.neuron->alpha);
}

std::vector<float> pooled_input(const Layer& before, std::span<const uint16_t> pooled) {
    std::vector<float> input(pooled.begin(), pooled.end());
    for (float& value : input) value *= static_cast<float>(pooled_unit(before.pool));
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
    require_chain(network, "gates");
    for (const Layer& layer : network.layers) maps_.emplace_back(layer);
}

RecordRequest GateSweep::request() const {
    RecordRequest request{.layers = {}, .counts = true, .pooled_counts = true};
    for (size_t i = 0; i < network_.layers.size(); ++i) {
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    }
    return request;
}

/// A unit of a readout's total input becomes this much score.
float GateSweep::readout_share(int64_t steps) const {
    const auto count = static_cast<float>(steps);
    const double beta = network_.layers.back().readout_beta;
    if (beta == 1) return 1 / count;
    double kept = 0;
    for (int64_t later = 0; later < steps; ++later) kept += std::pow(beta, static_cast<double>(later));
    return static_cast<float>(kept) / count / count;
}

std::vector<float> GateSweep::gates(size_t index, const SweepInput& input, const Recording& recording, int64_t n) const {
    const Layer& layer = network_.layers[index];
    const auto steps = static_cast<float>(input.steps);
    const bool first = index == 0;
    const auto before = static_cast<int>(index) - 1;
    std::vector<float> drive =
        first ? maps_[0].apply(input.values)
              : maps_[index].apply(pooled_input(network_.layers[before], recording.layer(before).pooled_counts.row(n)));
    const auto counts = recording.layer(static_cast<int>(index)).counts.row(n);
    const size_t neurons = drive.size() / layer.out_channels;
    for (size_t i = 0; i < drive.size(); ++i) {
        const float bias = layer.has_bias ? layer.bias.data[i / neurons] : 0.0F;
        const float sum = first && input.constant ? steps * (drive[i] + bias) : drive[i] + steps * bias;
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
        const bool sums = layer.pool.kind != PoolKind::max;
        if (spikes == 0 && !sums) continue;
        const float share = sums ? static_cast<float>(pooled_unit(layer.pool))
                                 : static_cast<float>(pooled[window]) / static_cast<float>(spikes);
        for_each_in_window(layer, channel, row, column, [&](int64_t neuron) { result[neuron] += share * gain[window]; });
    }
    return result;
}

std::vector<float> GateSweep::input_gain(const SweepInput& input, const Recording& recording, int64_t n, int target,
                                         const Visit& visit) const {
    std::vector<float> gain(network_.class_count());
    gain[target] = readout_share(input.steps);
    for (size_t index = network_.layers.size(); index-- > 0;) {
        const Layer& layer = network_.layers[index];
        if (layer.neuron) {
            gain = unpool(index, gain, recording, n);
            if (visit) visit(static_cast<int>(index), gain);
            const std::vector<float> gate = gates(index, input, recording, n);
            for (size_t i = 0; i < gain.size(); ++i) gain[i] *= current_scale(layer) * gate[i];
        }
        gain = maps_[index].apply_transposed(gain);
    }
    if (!input.constant) return gain;
    for (float& value : gain) value *= static_cast<float>(input.steps);
    return gain;
}

}  // namespace spikelens

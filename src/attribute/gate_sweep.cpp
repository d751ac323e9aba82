#include "gate_sweep.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "layer_totals.h"
#include "snn/pool_windows.h"

namespace spikelens {
namespace {

float current_scale(const Neuron& neuron) { return input_scale<float>(neuron) / (1 - neuron.alpha); }

/// A silent neuron, and one that fired although its drive was not positive in sum, pass nothing.
float gate(float spikes, float drive) {
    if (spikes == 0 || drive <= 0) return 0;
    return std::min(1.0F, spikes / drive);
}

/// From the gain of what a layer's neurons sent to that of what reached them.
void through_neurons(const Layer& layer, std::span<const float> spikes, std::span<const float> drive,
                     std::span<float> gain) {
    const LayerNeurons neurons(layer);
    for (int64_t i = 0; i < static_cast<int64_t>(gain.size()); ++i) {
        const float scale = current_scale(neurons[i]);
        gain[i] *= scale * gate(spikes[i], scale * drive[i]);
    }
}

std::vector<float> unpool(const Layer& layer, int index, bool numbers, std::span<const float> gain, LayerTotals& totals,
                          LayerValues& values) {
    if (layer.pool.kind == PoolKind::none) return {gain.begin(), gain.end()};
    std::vector<float> result(element_count(layer.output_shape()));
    const auto count = static_cast<int64_t>(gain.size());
    if (layer.pool.kind != PoolKind::max) {
        const auto share = static_cast<float>(pooled_unit(layer.pool));
        for (int64_t w = 0; w < count; ++w)
            for_each_in_window(layer, w, [&](int64_t place) { result[place] += share * gain[w]; });
        return result;
    }
    if (!numbers) {
        const float step = 1 / static_cast<float>(values.steps());
        const float* at = values.before_pool(index).data();
        for (int64_t t = 0; t < values.steps(); ++t, at += result.size())
            for (int64_t w = 0; w < count; ++w) result[first_maximum(layer, w, at)] += step * gain[w];
        return result;
    }
    const std::vector<float> before = totals.before_pool(index);
    const std::vector<float>& sent = totals.sent(index);
    for (int64_t w = 0; w < count; ++w) {
        float spikes = 0;
        for_each_in_window(layer, w, [&](int64_t place) { spikes += before[place]; });
        if (spikes == 0) continue;
        for_each_in_window(layer, w, [&](int64_t place) { result[place] += sent[w] / spikes * gain[w]; });
    }
    return result;
}

/// What each of the inputs' spikes brought to those of `and` and `iand`.
PartOfInput part_of_totals(const Layer& layer, int index, LayerTotals& totals) {
    return [&layer, index, &totals](size_t input, size_t place) {
        const float spikes = totals.sent(layer.inputs[input])[place];
        if (spikes == 0 || (layer.kind == LayerKind::except && input > 0)) return 0.0F;
        const float inputs = layer.kind == LayerKind::both ? static_cast<float>(layer.inputs.size()) : 1.0F;
        return totals.drive(index)[place] / (inputs * spikes);
    };
}

}  // namespace

GateSweep::GateSweep(const Network& network)
    : network_(network), maps_(network), numbers_(layers_with_numbers(network)) {
    require_no_recurrence(network, "gates", "a gain over all steps does not say which step fed which; shares do");
    require_no_norms(network, "gates",
                     "a gain over all steps does not hold where factors differ between steps; shares do");
    for (const Layer& layer : network.layers) {
        const bool logic = layer.kind == LayerKind::both || layer.kind == LayerKind::except;
        by_steps_ |= logic || (!layer.neuron && layer.pool.kind == PoolKind::max);
    }
}

RecordRequest GateSweep::request() const {
    RecordRequest request{.layers = {}, .counts = true, .pooled_counts = true, .spikes = by_steps_};
    for (size_t i = 0; i < network_.layers.size(); ++i) {
        if (network_.layers[i].neuron) request.layers.push_back(static_cast<int>(i));
    }
    return request;
}

/// A unit of a readout's total input becomes this much score.
float GateSweep::readout_share(int64_t steps) const {
    const auto count = static_cast<float>(steps);
    if (!network_.layers.back().leaks()) return 1 / count;
    const std::vector<double> kept = kept_by_readout(network_.layers.back(), steps);
    return static_cast<float>(std::accumulate(kept.rbegin(), kept.rend(), 0.0)) / count / count;
}

std::vector<float> GateSweep::input_gain(const Input& input, const Recording& recording, int64_t n, int target,
                                         const Visit& visit) const {
    const int64_t steps = input.spiking() ? input.steps() : network_.steps;
    LayerValues values(network_, maps_, recording, input, n, 0, steps);
    LayerTotals totals(network_, maps_, recording, input, n, values);
    std::vector<float> start(network_.class_count());
    start[target] = readout_share(steps);
    Backflow back(network_);
    back.add(static_cast<int>(network_.layers.size()) - 1, std::move(start));
    for (int l = static_cast<int>(network_.layers.size()); l-- > 0;) {
        const Layer& layer = network_.layers[l];
        std::vector<float> gain = unpool(layer, l, numbers_[l], back.take(l), totals, values);
        if (layer.neuron) {
            if (visit) visit(l, gain);
            through_neurons(layer, totals.before_pool(l), totals.drive(l), gain);
        }
        if (layer.weighted())
            back.add(layer.inputs[0], maps_.weights(l).apply_transposed(gain));
        else
            hand_on(network_, l, gain, part_of_totals(layer, l, totals), back);
    }
    std::vector<float> gain = back.take(kNetworkInput);
    if (input.spiking()) return gain;
    for (float& value : gain) value *= static_cast<float>(steps);
    return gain;
}

}  // namespace spikelens

#include "layer_totals.h"

namespace spikelens {

LayerTotals::LayerTotals(const Network& network, const LinearMaps& maps, const Recording& recording, const Input& input,
                         int64_t n, LayerValues& values)
    : network_(network),
      maps_(maps),
      recording_(recording),
      input_(input),
      n_(n),
      values_(values),
      drive_(network.layers.size()),
      sent_(network.layers.size()) {}

const std::vector<float>& LayerTotals::drive(int layer) {
    std::vector<float>& total = drive_[layer];
    if (total.empty()) total = network_.layers[layer].weighted() ? weighted(layer) : joined(layer);
    return total;
}

std::vector<float> LayerTotals::before_pool(int layer) {
    if (!network_.layers[layer].neuron) return drive(layer);
    const auto counts = recording_.layer(layer).counts.row(n_);
    return {counts.begin(), counts.end()};
}

const std::vector<float>& LayerTotals::sent(int layer) {
    std::vector<float>& total = sent_[layer];
    if (!total.empty()) return total;
    const Layer& of = network_.layers[layer];
    if (of.neuron) {
        const auto counts = recording_.layer(layer).pooled_counts.row(n_);
        total.assign(counts.begin(), counts.end());
        for (float& value : total) value *= static_cast<float>(pooled_unit(of.pool));
    } else if (of.pool.kind == PoolKind::max) {
        total = over_steps(values_.sent(layer));
    } else {
        total = of.pool.kind == PoolKind::none ? drive(layer) : pooled_values(of, drive(layer));
    }
    return total;
}

std::vector<float> LayerTotals::over_steps(const std::vector<float>& values) const {
    std::vector<float> sum(values.size() / values_.steps());
    for (size_t i = 0; i < values.size(); ++i) sum[i % sum.size()] += values[i];
    return sum;
}

std::vector<float> LayerTotals::weighted(int layer) {
    const Layer& of = network_.layers[layer];
    const int from = of.inputs[0];
    const bool image = from == kNetworkInput && !input_.spiking();
    std::vector<float> spikes;
    if (from == kNetworkInput && !image) {
        const auto all = input_.spikes.row(n_);
        spikes = over_steps({all.begin(), all.end()});
    }
    std::vector<float> total = maps_.weights(layer).apply(image                   ? input_.images.row(n_)
                                                          : from == kNetworkInput ? std::span<const float>(spikes)
                                                                                  : std::span<const float>(sent(from)));
    const auto steps = static_cast<float>(values_.steps());
    const size_t pixels = total.size() / of.out_channels;
    for (size_t i = 0; i < total.size(); ++i) {
        const float bias = of.bias.empty() ? 0.0F : of.bias.data[i / pixels];
        total[i] = image ? steps * (total[i] + bias) : total[i] + steps * bias;
    }
    return total;
}

std::vector<float> LayerTotals::joined(int layer) {
    const Layer& of = network_.layers[layer];
    if (of.kind == LayerKind::both || of.kind == LayerKind::except) return over_steps(values_.operated(layer));
    std::vector<float> total = sent(of.inputs[0]);
    for (size_t i = 1; i < of.inputs.size(); ++i) {
        const std::vector<float>& next = sent(of.inputs[i]);
        if (of.kind == LayerKind::concat) total.insert(total.end(), next.begin(), next.end());
        for (size_t j = 0; of.kind == LayerKind::add && j < total.size(); ++j) total[j] += next[j];
    }
    return total;
}

}  // namespace spikelens

#include "layer_values.h"

#include <algorithm>
#include <span>

#include "snn/graph.h"
#include "snn/pool_windows.h"

namespace spikelens {

LayerValues::LayerValues(const Network& network, const LinearMaps& maps, const Recording& recording, const Input& input,
                         int64_t n, int64_t first, int64_t steps)
    : network_(network),
      maps_(maps),
      recording_(recording),
      input_(input),
      n_(n),
      first_(first),
      steps_(steps),
      before_pool_(network.layers.size()),
      sent_(network.layers.size()) {}

const std::vector<float>& LayerValues::before_pool(int layer) {
    std::vector<float>& values = before_pool_[layer];
    if (!values.empty()) return values;
    const Layer& of = network_.layers[layer];
    if (of.neuron) {
        const int64_t size = element_count(of.output_shape());
        const auto spikes = recording_.layer(layer).spikes.row(n_).subspan(first_ * size, steps_ * size);
        values.assign(spikes.begin(), spikes.end());
    } else {
        values = operated(layer);
    }
    return values;
}

std::vector<float> LayerValues::operated(int layer) {
    return network_.layers[layer].weighted() ? weighted(layer) : joined(layer);
}

const std::vector<float>& LayerValues::sent(int layer) {
    if (network_.layers[layer].pool.kind == PoolKind::none) return before_pool(layer);
    if (sent_[layer].empty()) sent_[layer] = pooled_values(network_.layers[layer], before_pool(layer));
    return sent_[layer];
}

/// The network's, of an image one step.
std::vector<float> LayerValues::from_input() const {
    if (!input_.spiking()) return {input_.images.row(n_).begin(), input_.images.row(n_).end()};
    const int64_t size = element_count(network_.input_shape());
    const auto spikes = input_.spikes.row(n_).subspan(first_ * size, steps_ * size);
    return {spikes.begin(), spikes.end()};
}

std::vector<float> LayerValues::weighted(int layer) {
    const Layer& of = network_.layers[layer];
    const LinearMap& map = maps_.weights(layer);
    const int from = of.inputs[0];
    const std::vector<float> input = from == kNetworkInput ? from_input() : sent(from);
    const int64_t pixels = map.outputs() / of.out_channels;
    std::vector<float> result;
    for (int64_t at = 0; at < static_cast<int64_t>(input.size()); at += map.inputs()) {
        std::vector<float> step = map.apply(std::span(input).subspan(at, map.inputs()));
        for (int64_t i = 0; !of.bias.empty() && i < map.outputs(); ++i) step[i] += of.bias.data[i / pixels];
        result.insert(result.end(), step.begin(), step.end());
    }
    const size_t once = result.size();  // an image brings the same at every step
    for (size_t i = 0; result.size() < static_cast<size_t>(steps_ * map.outputs()); ++i)
        result.push_back(result[i % once]);
    return result;
}

void LayerValues::normalise(const Layer& layer, std::vector<float>& values) const {
    const int64_t pixels = int64_t{layer.out_height} * layer.out_width, size = pixels * layer.out_channels;
    for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
        const NormValues norm = norm_values(layer, first_ + i / size);
        values[i] = norm.factor[i % size / pixels] * values[i] + norm.term[i % size / pixels];
    }
}

std::vector<float> LayerValues::joined(int layer) {
    const Layer& of = network_.layers[layer];
    if (of.kind != LayerKind::concat) {
        std::vector<float> result = sent(of.inputs[0]);
        if (of.kind == LayerKind::norm) normalise(of, result);
        for (size_t i = 1; i < of.inputs.size(); ++i) {
            const std::vector<float>& next = sent(of.inputs[i]);
            for (size_t j = 0; j < result.size(); ++j)
                result[j] = of.kind == LayerKind::add    ? result[j] + next[j]
                            : of.kind == LayerKind::both ? result[j] * next[j]
                                                         : result[j] * (1 - next[j]);
        }
        return result;
    }
    std::vector<float> result;
    for (int64_t step = 0; step < steps_; ++step)
        for (const int input : of.inputs) {
            const auto size = static_cast<int64_t>(sent(input).size()) / steps_;
            const auto part = std::span(sent(input)).subspan(step * size, size);
            result.insert(result.end(), part.begin(), part.end());
        }
    return result;
}

std::vector<float> pooled_values(const Layer& layer, const std::vector<float>& values) {
    const int64_t size = element_count(layer.output_shape()), windows = element_count(layer.pooled_shape());
    const auto unit = static_cast<float>(pooled_unit(layer.pool));
    std::vector<float> result;
    for (const float* step = values.data(); step != values.data() + values.size(); step += size)
        for (int64_t window = 0; window < windows; ++window) {
            float sum = 0;
            if (layer.pool.kind == PoolKind::max)
                sum = step[first_maximum(layer, window, step)];
            else
                for_each_in_window(layer, window, [&](int64_t place) { sum += step[place]; });
            result.push_back(layer.pool.kind == PoolKind::max ? sum : unit * sum);
        }
    return result;
}

}  // namespace spikelens

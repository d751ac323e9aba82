#include "join_pass.h"

#include <algorithm>
#include <utility>

#include "graph.h"

namespace spikelens {

JoinPass::JoinPass(const RunSettings& settings, int steps, int layer, std::vector<const LayerMaps*> sent,
                   LayerMaps& maps)
    : settings_(settings),
      steps_(steps),
      index_(layer),
      layer_(settings.network.layers[layer]),
      sent_(std::move(sent)),
      maps_(maps) {}

/// What an input sends; null where it sends currents.
const SpikeMap* JoinPass::numbers(size_t input) const {
    const int from = layer_.inputs[input];
    if (settings_.signals[from].sent.currents) return nullptr;
    return &sent_numbers(settings_.network.layers[from], *sent_[input]);
}

const CurrentMap* JoinPass::currents(size_t input) const {
    const int from = layer_.inputs[input];
    if (!settings_.signals[from].sent.currents) return nullptr;
    const bool pooled = settings_.network.layers[from].pool.kind != PoolKind::none;
    return pooled ? &sent_[input]->pooled_currents : &sent_[input]->currents;
}

void JoinPass::join_currents() {
    const bool logic = layer_.kind == LayerKind::both || layer_.kind == LayerKind::except;
    const bool norm = layer_.kind == LayerKind::norm;
    bool constant = !norm;
    for (size_t i = 0; i < sent_.size(); ++i) constant = constant && currents(i) && currents(i)->steps == 1;
    maps_.currents.reset(layer_.output_shape(), constant ? 1 : steps_, settings_.layers[index_].padded());
    if (logic) {
        join_numbers();
        add_as_currents(maps_.spikes, 1, 0, maps_.currents);
    }
    for (int i = 0, channel = 0; !logic && i < static_cast<int>(sent_.size()); ++i) {
        if (const CurrentMap* const from = currents(i))
            add_currents(*from, channel, maps_.currents);
        else
            add_as_currents(*numbers(i), settings_.signals[layer_.inputs[i]].sent.unit(), channel, maps_.currents);
        if (layer_.kind == LayerKind::concat) channel += settings_.network.layers[layer_.inputs[i]].out_channels;
    }
    if (norm) normalise(layer_, maps_.currents);
    const float scale = layer_.neuron && layer_.values.empty() ? input_scale<float>(*layer_.neuron) : 1.0F;
    if (scale != 1)
        for (float& value : maps_.currents.values) value = scale * value;
}

void JoinPass::join_numbers() {
    const bool logic = layer_.kind == LayerKind::both || layer_.kind == LayerKind::except;
    const int planes = logic ? 1 : planes_of(settings_.signals[index_].fired);
    if (layer_.kind == LayerKind::pass) {
        maps_.spikes = *numbers(0);
        return;
    }
    maps_.spikes.reset(layer_.out_channels, layer_.out_height, layer_.out_width, steps_, planes);
    if (logic) {
        maps_.spikes.words = numbers(0)->words;
        for (size_t i = 1; i < sent_.size(); ++i) combine_words(maps_.spikes, *numbers(i));
        return;
    }
    for (int i = 0, channel = 0; i < static_cast<int>(sent_.size()); ++i) {
        add_numbers_of(i, channel);
        if (layer_.kind == LayerKind::concat) channel += settings_.network.layers[layer_.inputs[i]].out_channels;
    }
}

/// Of spikes: the first and the second, or the first without the second.
void JoinPass::combine_words(const SpikeMap& first, const SpikeMap& second) {
    const uint64_t flip = layer_.kind == LayerKind::except ? ~uint64_t{0} : 0;
    for (size_t i = 0; i < first.words.size(); ++i) maps_.spikes.words[i] = first.words[i] & (second.words[i] ^ flip);
}

void JoinPass::add_numbers_of(size_t input, int channel) {
    const SpikeMap& from = *numbers(input);
    const int64_t factor =
        settings_.signals[index_].fired.divisor / settings_.signals[layer_.inputs[input]].sent.divisor;
    if (factor == 1 && layer_.kind == LayerKind::add) return add_numbers(from, maps_.spikes);
    for (int row = 0; row < from.height; ++row)
        for (int column = 0; column < from.width; ++column)
            for (int step = 0; step < steps_; ++step)
                add_numbers(from, from.at(row, column, step), factor, channel, maps_.spikes,
                            maps_.spikes.at(row, column, step));
}

}  // namespace spikelens

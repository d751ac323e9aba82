#include <algorithm>
#include <optional>
#include <utility>

#include "sample_walk.h"
#include "walks.h"

namespace spikelens {

void ChangedWalk::run(const Sample& sample, Recording& recording) {
    const std::span<float> scores = recording.scores.row(sample.index);
    std::optional<Change> change;
    if (has_last_) change = changed_since_last(sample);
    if (change && !reaches_too_much(sample, change->pixels))
        run_changed(sample, *change, scores);
    else
        walk_layers(worker_, sample, maps_, scores);
    has_last_ = true;
    last_image_ = sample.image;
    last_scores_.assign(scores.begin(), scores.end());
}

/// Where the sample's input differs from that of the last.
Change ChangedWalk::changed_since_last(const Sample& sample) const {
    if (sample.spikes) return changed_spikes(worker_.packed_before, *sample.spikes);
    return {changed_pixels(last_image_, sample.image, worker_.settings.network.input_shape()), {}, {}};
}

bool ChangedWalk::reaches_too_much(const Sample& sample, const PixelSet& pixels) {
    return renews(0) && LayerPass(worker_, sample, 0, sample.spikes, maps_[0]).reaches_too_much(pixels);
}

/// Whether of a layer's spikes only those are computed anew that a change of its input reaches.
bool ChangedWalk::renews(int l) const {
    const Layer& layer = worker_.settings.network.layers[l];
    return layer.weighted() && layer.neuron && !worker_.settings.general[l].needed() &&
           (layer.pool.kind == PoolKind::none || layer.pool.plain());
}

/// The scores, where only `change` of the input differs from the last sample's.
void ChangedWalk::run_changed(const Sample& sample, const Change& change, std::span<float> scores) {
    const auto& layers = worker_.settings.network.layers;
    std::ranges::copy(last_scores_, scores.begin());
    std::vector<std::optional<Change>> changes(layers.size());  // of what layers send; nothing where it is what it was
    const auto of = [&](int input) { return input == kNetworkInput ? &change : changes[input] ? &*changes[input] : nullptr; };
    for (int l = 0; change.pixels.any() && l < static_cast<int>(layers.size()); ++l) {
        if (std::ranges::none_of(layers[l].inputs, [&](int input) { return of(input) != nullptr; })) continue;
        changes[l] = renews(l) ? renew(sample, l, *of(layers[l].inputs[0]), scores) : compute(sample, l, scores);
        if (!changes[l]->pixels.any()) changes[l].reset();
    }
}

/// A layer where the change of its input reaches it, and the scores where it is the last.
Change ChangedWalk::renew(const Sample& sample, int l, const Change& change, std::span<float> scores) {
    const int from = worker_.settings.network.layers[l].inputs[0];
    const SpikeMap* const input =
        from == kNetworkInput ? sample.spikes : &sent_numbers(worker_.settings.network.layers[from], maps_[from]);
    LayerPass pass(worker_, sample, l, input, maps_[l]);
    Change result = pass.pool_changed(pass.fire_changed(change));
    if (l + 1 == static_cast<int>(maps_.size())) count_scores(sample, pass.output(), worker_.settings.signals[l].sent, scores);
    return result;
}

/// All of another layer. Where currents differ is not asked: nothing is renewed that reads them.
Change ChangedWalk::compute(const Sample& sample, int l, std::span<float> scores) {
    const Layer& layer = worker_.settings.network.layers[l];
    const LayerMaps before = std::exchange(maps_[l], {});
    SampleWalk(worker_, sample, maps_).layer(l, scores, nullptr);
    if (!worker_.settings.signals[l].sent.currents)
        return changed_spikes(sent_numbers(layer, before), sent_numbers(layer, maps_[l]));
    Change all{PixelSet(1, 1), {}, {}};
    all.pixels.row(0)[0] = 1;
    return all;
}

}  // namespace spikelens

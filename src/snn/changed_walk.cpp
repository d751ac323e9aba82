#include <algorithm>
#include <optional>
#include <utility>

#include "walks.h"

namespace spikelens {

void ChangedWalk::run(const Sample& sample, Recording& recording) {
    const std::span<float> scores = recording.scores.row(sample.index);
    std::optional<Change> change;
    if (has_last_) change = changed_since_last(sample);
    if (change && !LayerPass(worker_, sample, 0, sample.spikes, maps_[0]).reaches_too_much(change->pixels))
        run_changed(sample, *std::move(change), scores);
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

/// The scores, where only `change` of the input differs from the last sample's.
void ChangedWalk::run_changed(const Sample& sample, Change change, std::span<float> scores) {
    const SpikeMap* input = sample.spikes;
    const auto& layers = worker_.settings.network.layers;
    for (int l = 0; change.pixels.any() && l < static_cast<int>(layers.size()); ++l) {
        LayerPass pass(worker_, sample, l, input, maps_[l]);
        if (!layers[l].neuron) return pass.read_out(scores);
        change = pass.pool_changed(pass.fire_changed(change));
        input = &pass.output();
    }
    if (change.pixels.any())
        count_scores(sample, *input, worker_.settings.signals.back().sent, scores);
    else
        std::ranges::copy(last_scores_, scores.begin());
}

}  // namespace spikelens

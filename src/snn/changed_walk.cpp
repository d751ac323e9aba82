#include <algorithm>
#include <optional>
#include <utility>

#include "sample_walk.h"
#include "walks.h"

namespace spikelens {

void ChangedWalk::run(std::span<const Sample> samples, Recording& recording) {
    const size_t layers = worker_.settings.network.layers.size();
    maps_.resize(std::max(maps_.size(), samples.size()), std::vector<LayerMaps>(layers));
    const auto last_of = [&](size_t i) { return i > 0 ? &samples[i - 1] : nullptr; };
    for (size_t i = 0; i < samples.size();) {
        const std::span<float> scores = recording.scores.row(samples[i].index);
        size_t end = i + 1;
        if (std::optional<Change> change = change_worth(last_of(i), samples[i])) {
            run_changed(samples[i], *change, last_scores_, scores);
        } else {
            while (end < samples.size() && !change_worth(last_of(end), samples[end])) ++end;
            walk_together(worker_, samples.subspan(i, end - i), maps_, recording);
            std::swap(maps_[0], maps_[end - 1 - i]);
        }
        i = end;
        last_image_ = samples[i - 1].image;
        last_scores_ = recording.scores.row(samples[i - 1].index);
    }
}

/// Where the sample's input differs from that of the last, which is null for the one before all; nothing where there is
/// none, or where so much differs that all is computed anew.
std::optional<Change> ChangedWalk::change_worth(const Sample* last, const Sample& sample) {
    if (!last && last_scores_.empty()) return {};
    const Shape shape = worker_.settings.network.input_shape();
    Change change = sample.spikes
                        ? changed_spikes(last ? *last->spikes : worker_.packed_group[0], *sample.spikes)
                        : Change{changed_pixels(last ? last->image : last_image_, sample.image, shape), {}, {}};
    if (renews(0) && LayerPass(worker_, sample, 0, sample.spikes, maps_[0][0]).reaches_too_much(change.pixels))
        return {};
    return change;
}

/// Whether of a layer's spikes only those are computed anew that a change of its input reaches.
bool ChangedWalk::renews(int l) const {
    const Layer& layer = worker_.settings.network.layers[l];
    return layer.weighted() && layer.neuron && !worker_.settings.general[l].needed() &&
           (layer.pool.kind == PoolKind::none || layer.pool.plain());
}

/// The scores, where only `change` of the input differs from the last sample's.
void ChangedWalk::run_changed(const Sample& sample, const Change& change, std::span<const float> last_scores,
                              std::span<float> scores) {
    const auto& layers = worker_.settings.network.layers;
    std::ranges::copy(last_scores, scores.begin());
    std::vector<std::optional<Change>> changes(layers.size());  // of what layers send; nothing where it is what it was
    const auto of = [&](int input) {
        return input == kNetworkInput ? &change : changes[input] ? &*changes[input] : nullptr;
    };
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
        from == kNetworkInput ? sample.spikes : &sent_numbers(worker_.settings.network.layers[from], maps_[0][from]);
    LayerPass pass(worker_, sample, l, input, maps_[0][l]);
    Change result = pass.pool_changed(pass.fire_changed(change));
    if (l + 1 == static_cast<int>(maps_[0].size()))
        count_scores(sample, pass.output(), worker_.settings.signals[l].sent, scores);
    return result;
}

/// All of another layer. Where currents differ is not asked: nothing is renewed that reads them.
Change ChangedWalk::compute(const Sample& sample, int l, std::span<float> scores) {
    const Layer& layer = worker_.settings.network.layers[l];
    const LayerMaps before = std::exchange(maps_[0][l], {});
    SampleWalk(worker_, sample, maps_[0]).layer(l, scores, nullptr);
    if (!worker_.settings.signals[l].sent.currents)
        return changed_spikes(sent_numbers(layer, before), sent_numbers(layer, maps_[0][l]));
    Change all{PixelSet(1, 1), {}, {}};
    all.pixels.row(0)[0] = 1;
    return all;
}

}  // namespace spikelens

#include <algorithm>
#include <optional>
#include <utility>

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
            run_changed(samples[i], *std::move(change), last_scores_, scores);
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

/// Where the sample's input differs from that of the last, which is null for the one before all; nothing where there is none,
/// or where so much differs that all is computed anew.
std::optional<Change> ChangedWalk::change_worth(const Sample* last, const Sample& sample) {
    if (!last && last_scores_.empty()) return {};
    const Shape shape = worker_.settings.network.input_shape();
    Change change = sample.spikes ? changed_spikes(last ? *last->spikes : worker_.packed_group[0], *sample.spikes)
                                  : Change{changed_pixels(last ? last->image : last_image_, sample.image, shape), {}, {}};
    if (LayerPass(worker_, sample, 0, sample.spikes, maps_[0][0]).reaches_too_much(change.pixels)) return {};
    return change;
}

/// The scores, where only `change` of the input differs from the last sample's.
void ChangedWalk::run_changed(const Sample& sample, Change change, std::span<const float> last_scores,
                              std::span<float> scores) {
    const SpikeMap* input = sample.spikes;
    const auto& layers = worker_.settings.network.layers;
    for (int l = 0; change.pixels.any() && l < static_cast<int>(layers.size()); ++l) {
        LayerPass pass(worker_, sample, l, input, maps_[0][l]);
        if (!layers[l].neuron) return pass.read_out(scores);
        change = pass.pool_changed(pass.fire_changed(change));
        input = &pass.output();
    }
    if (change.pixels.any())
        count_scores(sample, *input, worker_.settings.signals.back().sent, scores);
    else
        std::ranges::copy(last_scores, scores.begin());
}

}  // namespace spikelens

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "walks.h"

namespace spikelens {

Ablations::Ablations(const Network& network, std::span<const std::vector<FilterIndex>> sets) : order(sets.size()) {
    for (const auto& set : sets) keep.push_back(channels_to_keep(network, set));
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return sets[a] < sets[b]; });
}

void AblationWalk::run(const Sample& sample, const Ablations& ablations, FloatArray& scores) {
    const int64_t classes = scores.extent(2);
    std::vector<float> at_last(classes);
    walk_layers(worker_, sample, maps_, at_last);
    for (size_t l = 0; l < maps_.size(); ++l) {
        kept_[l].spikes = LayerPass(worker_, sample, static_cast<int>(l), sample.spikes, maps_[l]).output();
        kept_[l].channels = worker_.settings.keep[l];
    }
    for (const size_t i : ablations.order) {
        run_ablated(sample, ablations.keep[i], at_last);
        std::ranges::copy(at_last, scores.row(static_cast<int64_t>(i)).begin() + sample.index * classes);
    }
}

void AblationWalk::run_ablated(const Sample& sample, const ChannelMasks& keep, std::span<float> scores) {
    const SpikeMap* input = sample.spikes;
    const auto& layers = worker_.settings.network.layers;
    std::optional<Change> change;  // of the input
    for (int l = 0; l < static_cast<int>(layers.size()); ++l) {
        LayerPass pass(worker_, sample, l, input, maps_[l]);
        if (!layers[l].neuron) {
            if (change) pass.read_out(scores);
            return;
        }
        if (change) change = pass.pool_changed(pass.fire_changed(*change));
        Kept& kept = kept_[l];
        if ((change && change->pixels.any()) || keep[l] != kept.channels) {
            change = keep_channels(pass.output(), keep[l], kept.spikes);
            kept.channels = keep[l];
        }
        if (change && !change->pixels.any()) change.reset();
        input = &kept.spikes;
    }
    if (change) count_scores(sample, *input, scores);
}

}  // namespace spikelens

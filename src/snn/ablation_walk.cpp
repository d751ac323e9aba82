#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "sample_walk.h"
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

namespace {

bool same_sent(const LayerMaps& a, const LayerMaps& b, const Layer& layer, const Signal& sent) {
    const bool pooled = layer.pool.kind != PoolKind::none;
    if (sent.currents)
        return (pooled ? a.pooled_currents : a.currents).values == (pooled ? b.pooled_currents : b.currents).values;
    return (pooled ? a.pooled : a.spikes).words == (pooled ? b.pooled : b.spikes).words;
}

}  // namespace

void GraphAblationWalk::run(const Sample& sample, const Ablations& ablations, FloatArray& scores) {
    const auto& layers = worker_.settings.network.layers;
    SampleWalk walk(worker_, sample, maps_);
    std::vector<float> at_last(scores.extent(2));
    const ChannelMasks* before = nullptr;
    for (const size_t i : ablations.order) {
        const ChannelMasks& keep = ablations.keep[i];
        worker_.keep = &keep;
        std::vector<bool> changed(layers.size());
        for (size_t l = 0; l < layers.size(); ++l) {
            const bool reached = std::ranges::any_of(
                layers[l].inputs, [&](int input) { return input != kNetworkInput && changed[input]; });
            if (before && !reached && keep[l] == (*before)[l]) continue;
            const LayerMaps old = std::exchange(maps_[l], {});
            walk.layer(static_cast<int>(l), at_last, nullptr);
            changed[l] = !before || !same_sent(old, maps_[l], layers[l], worker_.settings.signals[l].sent);
        }
        before = &keep;
        std::ranges::copy(at_last, scores.row(static_cast<int64_t>(i)).begin() + sample.index * scores.extent(2));
    }
    worker_.keep = &worker_.settings.keep;
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
    if (change) count_scores(sample, *input, worker_.settings.signals.back().sent, scores);
}

}  // namespace spikelens

#include <algorithm>

#include "general_pass.h"
#include "join_pass.h"
#include "record.h"
#include "sample_walk.h"
#include "walks.h"

namespace spikelens {

SampleWalk::SampleWalk(Worker& worker, const Sample& sample, std::vector<LayerMaps>& maps)
    : worker_(worker), sample_(sample), maps_(maps), network_(worker.settings.network) {}

void SampleWalk::run(std::span<float> scores, std::span<LayerRecording> records) {
    for (LayerMaps& one : maps_) one.has_sums = false;
    auto record = records.begin();
    for (int l = 0; l < static_cast<int>(network_.layers.size()); ++l)
        layer(l, scores, record != records.end() && record->layer == l ? &*record++ : nullptr);
}

void SampleWalk::layer(int l, std::span<float> scores, LayerRecording* wanted) {
    network_.layers[l].weighted() ? weighted(l, scores, wanted) : joined(l, scores, wanted);
    if (wanted && !wanted->pooled_counts.empty())
        record_counts(numbers_of(l), wanted->pooled_counts.row(sample_.index));
}

LayerMaps& SampleWalk::maps_of(int layer) {
    return maps_.size() == network_.layers.size() ? maps_[layer] : maps_[worker_.settings.slots[layer]];
}

const SpikeMap& SampleWalk::numbers_of(int layer) { return sent_numbers(network_.layers[layer], maps_of(layer)); }

const SpikeMap* SampleWalk::input_of(int layer) {
    const int from = network_.layers[layer].inputs[0];
    return from == kNetworkInput ? sample_.spikes : &numbers_of(from);
}

void SampleWalk::weighted(int l, std::span<float> scores, LayerRecording* wanted) {
    const SpikeMap* const input = input_of(l);
    if (worker_.settings.general[l].needed())
        fire_or_read(GeneralPass(worker_, sample_, l, input, maps_of(l)), l, scores, wanted);
    else
        fire_or_read(LayerPass(worker_, sample_, l, input, maps_of(l)), l, scores, wanted);
}

template <class Pass>
void SampleWalk::fire_or_read(Pass pass, int l, std::span<float> scores, LayerRecording* wanted) {
    const bool fires = network_.layers[l].neuron.has_value();
    if (last(l) && !fires) return pass.read_out(scores);
    fires ? pass.fire(wanted) : pass.make_currents();
    after_firing(l, scores);
}

void SampleWalk::after_firing(int l, std::span<float> scores) {
    LayerPass(worker_, sample_, l, maps_of(l)).pool();
    if (last(l)) count_scores(sample_, numbers_of(l), worker_.settings.signals[l].sent, scores);
}

bool SampleWalk::fires_from_spikes(int l) const {
    const Layer& layer = network_.layers[l];
    return layer.weighted() && layer.neuron && !worker_.settings.general[l].needed() && !worker_.keeps_potentials &&
           (layer.inputs[0] != kNetworkInput || sample_.spikes);
}

LayerPass SampleWalk::pass(int l) { return {worker_, sample_, l, input_of(l), maps_of(l)}; }

void SampleWalk::joined(int l, std::span<float> scores, LayerRecording* wanted) {
    const Layer& layer = network_.layers[l];
    const Signal& sent = worker_.settings.signals[l].sent;
    std::vector<const LayerMaps*> inputs;
    for (const int input : layer.inputs) inputs.push_back(&maps_of(input));
    JoinPass join(worker_.settings, sample_.steps, l, std::move(inputs), maps_of(l));
    layer.neuron || sent.currents ? join.join_currents() : join.join_numbers();
    LayerPass pass(worker_, sample_, l, maps_of(l));
    if (layer.neuron && worker_.settings.general[l].needed())
        GeneralPass(worker_, sample_, l, nullptr, maps_of(l)).fire(wanted);
    else if (layer.neuron)
        pass.fire(wanted);
    pass.pool();
    if (last(l)) sent.currents ? pass.read_out(scores) : count_scores(sample_, numbers_of(l), sent, scores);
}

void walk_layers(Worker& worker, const Sample& sample, std::vector<LayerMaps>& maps, std::span<float> scores,
                 std::span<LayerRecording> records) {
    SampleWalk(worker, sample, maps).run(scores, records);
}

void walk_together(Worker& worker, std::span<const Sample> samples, std::span<std::vector<LayerMaps>> maps,
                   Recording& recording) {
    std::vector<SampleWalk> walks;
    for (size_t i = 0; i < samples.size(); ++i) {
        for (LayerMaps& one : maps[i]) one.has_sums = false;
        walks.emplace_back(worker, samples[i], maps[i]);
    }
    auto record = recording.layers.begin();
    for (int l = 0; l < static_cast<int>(worker.settings.network.layers.size()); ++l) {
        LayerRecording* const wanted = record != recording.layers.end() && record->layer == l ? &*record++ : nullptr;
        const bool together = samples.size() > 1 && !wanted && walks[0].fires_from_spikes(l);
        if (together) {
            std::vector<LayerPass> passes;
            for (SampleWalk& walk : walks) passes.push_back(walk.pass(l));
            LayerPass::fire_together(passes);
        }
        for (size_t i = 0; i < samples.size(); ++i) {
            const std::span<float> scores = recording.scores.row(samples[i].index);
            together ? walks[i].after_firing(l, scores) : walks[i].layer(l, scores, wanted);
        }
    }
}

void FullWalk::run(std::span<const Sample> samples, Recording& recording) {
    maps_.resize(std::max(maps_.size(), samples.size()), std::vector<LayerMaps>(worker_.settings.slot_count()));
    walk_together(worker_, samples, maps_, recording);
}

}  // namespace spikelens

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
    if (wanted && !wanted->pooled_counts.empty()) record_counts(numbers_of(l), wanted->pooled_counts.row(sample_.index));
}

LayerMaps& SampleWalk::maps_of(int layer) {
    return maps_.size() == network_.layers.size() ? maps_[layer] : maps_[worker_.settings.slots[layer]];
}

const SpikeMap& SampleWalk::numbers_of(int layer) { return sent_numbers(network_.layers[layer], maps_of(layer)); }

void SampleWalk::weighted(int l, std::span<float> scores, LayerRecording* wanted) {
    const int from = network_.layers[l].inputs[0];
    const SpikeMap* const input = from == kNetworkInput ? sample_.spikes : &numbers_of(from);
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
    LayerPass(worker_, sample_, l, maps_of(l)).pool();
    if (last(l)) count_scores(sample_, numbers_of(l), worker_.settings.signals[l].sent, scores);
}

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

void FullWalk::run(const Sample& sample, Recording& recording) {
    walk_layers(worker_, sample, maps_, recording.scores.row(sample.index), recording.layers);
}

}  // namespace spikelens

#include "record.h"
#include "walks.h"

namespace spikelens {

void walk_layers(Worker& worker, const Sample& sample, std::vector<LayerMaps>& maps, std::span<float> scores,
                 std::span<LayerRecording> records) {
    for (LayerMaps& one : maps) one.has_sums = false;
    const SpikeMap* input = sample.spikes;
    auto record = records.begin();
    for (int l = 0; l < static_cast<int>(worker.settings.network.layers.size()); ++l) {
        LayerPass pass(worker, sample, l, input, maps[l % maps.size()]);
        if (!worker.settings.network.layers[l].neuron) return pass.read_out(scores);
        LayerRecording* const wanted = record != records.end() && record->layer == l ? &*record++ : nullptr;
        pass.fire(wanted);
        pass.pool();
        input = &pass.output();
        if (wanted && !wanted->pooled_counts.empty()) record_counts(*input, wanted->pooled_counts.row(sample.index));
    }
    count_scores(sample, *input, scores);
}

void FullWalk::run(const Sample& sample, Recording& recording) {
    walk_layers(worker_, sample, maps_, recording.scores.row(sample.index), recording.layers);
}

}  // namespace spikelens

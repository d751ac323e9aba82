#include "spikelens/attribute/evidence.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "gate_sweep.h"

namespace spikelens {
namespace {

void check_targets(const Network& network, std::span<const int> targets, int64_t samples) {
    if (static_cast<int64_t>(targets.size()) != samples)
        throw InputError("the evidence of " + std::to_string(samples) + " samples needs as many targets, got " +
                         std::to_string(targets.size()));
    for (int target : targets) {
        if (target >= 0 && target < network.class_count()) continue;
        throw InputError("there is no evidence for class " + std::to_string(target) + ": the network has classes 0 to " +
                         std::to_string(network.class_count() - 1));
    }
}

double spikes_times_gain(std::span<const uint16_t> spikes, std::span<const float> gain) {
    double sum = 0;
    for (size_t i = 0; i < gain.size(); ++i) sum += static_cast<double>(spikes[i]) * gain[i];
    return sum;
}

/// Writes what a layer's filters brought where `filters` has them, if it does.
void add_layer(const LayerRecording& recorded, int64_t n, std::span<const float> gain, std::span<const FilterIndex> filters,
               std::span<double> evidence) {
    const auto spikes = recorded.counts.row(n);
    const int64_t neurons = recorded.counts.extent(2) * recorded.counts.extent(3);
    for (size_t row = 0; row < filters.size(); ++row) {
        if (filters[row].layer != recorded.layer) continue;
        const int64_t first = filters[row].filter * neurons;
        evidence[row] = spikes_times_gain(spikes.subspan(first, neurons), gain.subspan(first, neurons));
    }
}

}  // namespace

DoubleArray filter_evidence(const Engine& engine, const Input& input, std::span<const int> targets) {
    const Network& network = engine.network();
    const GateSweep sweep(network);
    const std::vector<FilterIndex> filters = response_filters(network);
    const Recording recording = engine.run(input, sweep.request());
    check_targets(network, targets, input.samples());
    DoubleArray evidence({input.samples(), static_cast<int64_t>(filters.size())});
    parallel_for(input.samples(), engine.execution(), [&](int64_t n, int) {
        sweep.input_gain(input, recording, n, targets[n], [&](int layer, std::span<const float> gain) {
            add_layer(recording.layer(layer), n, gain, filters, evidence.row(n));
        });
    });
    return evidence;
}

}  // namespace spikelens

#include "spikelens/attribute/evidence.h"

#include <array>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "gate_sweep.h"
#include "share_out.h"

namespace spikelens {
namespace {

constexpr std::array kRules = {EvidenceRule::share, EvidenceRule::gate, EvidenceRule::gradient,
                               EvidenceRule::occlusion};

void check_targets(const Network& network, std::span<const int> targets, int64_t samples) {
    if (static_cast<int64_t>(targets.size()) != samples)
        throw InputError("the evidence of " + std::to_string(samples) + " samples needs as many targets, got " +
                         std::to_string(targets.size()));
    for (int target : targets) {
        if (target >= 0 && target < network.class_count()) continue;
        throw InputError("there is no evidence for class " + std::to_string(target) +
                         ": the network has classes 0 to " + std::to_string(network.class_count() - 1));
    }
}

/// Spikes (or their numbers) of a layer [·C·H·W] and what one of each neuron brought.
template <class Spikes>
struct LayerParts {
    int layer = 0;
    int64_t neurons = 0;  ///< of one filter
    std::span<const Spikes> spikes;
    std::span<const float> worth;
};

/// Writes what a layer's filters brought where `filters` has them, if it does.
template <class Spikes>
void add_layer(const LayerParts<Spikes>& parts, int64_t channels, std::span<const FilterIndex> filters,
               std::span<double> evidence) {
    std::vector<double> brought(channels);
    for (size_t i = 0; i < parts.spikes.size(); ++i)
        if (parts.spikes[i] != 0)
            brought[static_cast<int64_t>(i) / parts.neurons % channels] +=
                static_cast<double>(parts.spikes[i]) * parts.worth[i];
    for (size_t row = 0; row < filters.size(); ++row)
        if (filters[row].layer == parts.layer) evidence[row] = brought[filters[row].filter];
}

int64_t neurons_of(const Layer& layer) { return int64_t{layer.out_height} * layer.out_width; }

constexpr ShareOptions kClassAlone = {.contrast = false, .soft = false};

void by_gate(const Engine& engine, const Input& input, std::span<const int> targets, DoubleArray& evidence) {
    const Network& network = engine.network();
    const GateSweep sweep(network);
    const std::vector<FilterIndex> filters = response_filters(network);
    const Recording recording = engine.run(input, sweep.request());
    parallel_for(input.samples(), engine.execution(), [&](int64_t n, int) {
        sweep.input_gain(input, recording, n, targets[n], [&](int l, std::span<const float> gain) {
            const Layer& layer = network.layers[l];
            add_layer<uint16_t>({l, neurons_of(layer), recording.layer(l).counts.row(n), gain}, layer.out_channels,
                                filters, evidence.row(n));
        });
    });
}

void by_gradient(const Engine& engine, const Input& input, std::span<const int> targets, DoubleArray& evidence) {
    const Network& network = engine.network();
    const std::vector<FilterIndex> filters = response_filters(network);
    int last = -1;
    for (const FilterIndex& filter : filters) {
        if (filter.layer == std::exchange(last, filter.layer)) continue;
        const Layer& layer = network.layers[filter.layer];
        const SpikeGradient at = engine.spike_gradient(input, targets, filter.layer);
        for (int64_t n = 0; n < input.samples(); ++n)
            add_layer<float>({filter.layer, neurons_of(layer), at.spikes.row(n), at.gradient.row(n)},
                             layer.out_channels, filters, evidence.row(n));
    }
}

void by_occlusion(const Engine& engine, const Input& input, std::span<const int> targets, DoubleArray& evidence) {
    const std::vector<FilterIndex> filters = response_filters(engine.network());
    std::vector<std::vector<FilterIndex>> sets = {{}};
    for (const FilterIndex& filter : filters) sets.push_back({filter});
    const FloatArray scores = engine.run_ablations(input, sets);
    const int64_t classes = engine.network().class_count();
    for (int64_t n = 0; n < input.samples(); ++n) {
        const auto score = [&](int64_t set) { return scores.row(set)[n * classes + targets[n]]; };
        for (size_t row = 0; row < filters.size(); ++row)
            evidence.row(n)[row] = double{score(0)} - score(static_cast<int64_t>(row) + 1);
    }
}

}  // namespace

std::span<const EvidenceRule> evidence_rules() { return kRules; }

std::string evidence_name(EvidenceRule rule) {
    constexpr std::array names = {"share", "gate", "gradient", "occlusion"};
    return names[static_cast<size_t>(rule)];
}

DoubleArray filter_evidence(const Engine& engine, const Input& input, std::span<const int> targets, EvidenceRule rule) {
    if (rule == EvidenceRule::share) return share_evidence(engine, input, targets).filters;
    check_targets(engine.network(), targets, input.samples());
    DoubleArray evidence({input.samples(), static_cast<int64_t>(response_filters(engine.network()).size())});
    if (rule == EvidenceRule::gate) by_gate(engine, input, targets, evidence);
    if (rule == EvidenceRule::gradient) by_gradient(engine, input, targets, evidence);
    if (rule == EvidenceRule::occlusion) by_occlusion(engine, input, targets, evidence);
    return evidence;
}

ShareEvidence share_evidence(const Engine& engine, const Input& input, std::span<const int> targets) {
    const Network& network = engine.network();
    check_targets(network, targets, input.samples());
    const std::vector<FilterIndex> filters = response_filters(network);
    ShareEvidence evidence{DoubleArray({input.samples(), std::ssize(filters)}),
                           DoubleArray({input.samples(), std::ssize(network.layers)})};
    const auto visit = [&](int64_t n, const ShareSweep::LayerShares& shares) {
        const Layer& layer = network.layers[shares.layer];
        add_layer<uint8_t>({shares.layer, neurons_of(layer), shares.spikes, shares.share}, layer.out_channels, filters,
                           evidence.filters.row(n));
        evidence.biases.row(n)[shares.layer] = shares.above;
    };
    share_out(
        engine, input, targets, kClassAlone, [](int64_t, const Shares&) {}, visit);
    return evidence;
}

}  // namespace spikelens

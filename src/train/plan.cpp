#include "spikelens/train/plan.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "snn/sample_memory.h"
#include "trainer.h"

namespace spikelens {
namespace {

/// Numbers of one sample that a layer computes with.
struct LayerSizes {
    int64_t input = 0, current = 0, sent = 0;
    int64_t kept = 0;        ///< bytes of the input where it waits for the way back
    int64_t potentials = 0;  ///< of all steps, where neurons are computed by LibTorch's operations
};

std::vector<LayerSizes> sizes_of(const Network& network, int64_t steps, bool spiking, Device device) {
    std::vector<LayerSizes> all;
    for (size_t l = 0; l < network.layers.size(); ++l) {
        const Layer& layer = network.layers[l];
        const bool constant = l == 0 && !spiking;
        LayerSizes sizes;
        sizes.input = element_count(layer.input_shape()) * (constant || !layer.neuron ? 1 : steps);
        sizes.current = element_count(layer.output_shape()) * (constant || !layer.neuron ? 1 : steps);
        sizes.sent = element_count(layer.pooled_shape()) * (layer.neuron ? steps : 1);
        sizes.kept = sizes.input * (kept_as_bytes(network, l, spiking) ? 1 : 4);
        if (layer.neuron && device != Device::cpu) sizes.potentials = element_count(layer.output_shape()) * steps;
        all.push_back(sizes);
    }
    return all;
}

/// Bytes of what one step of the computation takes beside what waits: inputs and outputs, as they are and as LibTorch's
/// convolutions lay them out once more; in bfloat16 too where products are.
int64_t piece(const Layer& layer, const LayerSizes& sizes, int64_t samples, Precision precision) {
    int64_t numbers = samples * (sizes.input + sizes.current);
    if (layer.kind == LayerKind::conv)
        numbers = std::min(
            numbers, steps_at_once(layer) * (element_count(layer.input_shape()) + element_count(layer.output_shape())));
    return 4 * (precision == Precision::bfloat16 ? 4 : 3) * numbers;
}

/// Bytes at the height of so many samples' way through all layers and back.
int64_t peak(const Network& network, const std::vector<LayerSizes>& layers, size_t first, bool recompute,
             int64_t samples, Precision precision) {
    int64_t highest = 0, kept = 0;
    for (size_t l = 0; l < layers.size(); ++l) {
        const auto& [input, current, sent, bytes, potentials] = layers[l];
        if (l >= first) kept += samples * (recompute ? bytes : 4 * (input + current));
        const int64_t passed_on = std::max(sent, l == first ? 0 : input);
        const int64_t own = recompute || l < first ? current : 0;
        highest = std::max(highest, kept + 4 * samples * (own + passed_on + potentials) +
                                        piece(network.layers[l], layers[l], samples, precision));
    }
    return highest;
}

/// A plan and what it costs in time, in passes of a sample on one thread.
struct Candidate {
    TrainPlan plan;
    double cost = 0;
};

}  // namespace

bool kept_as_bytes(const Network& network, size_t layer, bool spiking) {
    if (!network.layers[layer].neuron) return false;  // a readout reads means
    if (layer == 0) return spiking;
    const Pool& pool = network.layers[layer - 1].pool;
    return pool.kind == PoolKind::max || pool.area() <= std::numeric_limits<uint8_t>::max();
}

TrainPlan plan_training(const Network& network, const SampleSource& samples, const TrainOptions& options,
                        const Execution& execution) {
    const bool spiking = samples.steps() > 0;
    const auto layers = sizes_of(network, spiking ? samples.steps() : network.steps, spiking, options.device);
    const std::vector<bool> frozen = frozen_layers(network, options.freeze);
    const size_t first = std::ranges::find(frozen, false) - frozen.begin();
    const int64_t batch = std::min<int64_t>(options.batch, samples.size()),
                  shards = shards_of(batch, options.accumulate);
    const int wanted = execution.threads > 0 ? execution.threads : available_threads();
    const int threads = static_cast<int>(std::min<int64_t>(wanted, shards));
    const int64_t shard = (batch + shards - 1) / shards;
    std::vector<Candidate> all;
    for (int count = threads; count >= 1; --count)
        for (const bool recompute : {false, true}) {
            const int64_t bytes = count * peak(network, layers, first, recompute, shard, options.precision);
            all.push_back({{.threads = count, .shard = shard, .recompute = recompute, .bytes = bytes},
                           (recompute ? 4.0 : 3.0) / count});
        }
    std::ranges::stable_sort(all, {}, &Candidate::cost);
    const auto fits =
        std::ranges::find_if(all, [&](const Candidate& one) { return one.plan.bytes <= execution.memory; });
    if (fits == all.end()) {
        const auto leanest = std::ranges::min_element(all, {}, [](const Candidate& one) { return one.plan.bytes; });
        throw InputError("training needs about " + size_text(leanest->plan.bytes) + " for " + counted(shard, "sample") +
                         " at a time, more than the memory of " + size_text(execution.memory) +
                         (shard > 1 ? "; a batch in more parts needs less" : ""));
    }
    TrainPlan plan = fits->plan;
    plan.weights = int64_t{4} * parameter_count(network) * (3 + plan.threads);
    if (options.precision == Precision::bfloat16) plan.weights += int64_t{2} * parameter_count(network);
    return plan;
}

std::string plan_text(const TrainPlan& plan) {
    std::string text = counted(plan.shard, "sample") + " at a time";
    if (plan.threads > 1) text += " on each of " + std::to_string(plan.threads) + " threads";
    text += ", about " + size_text(plan.bytes) + ", and " + size_text(plan.weights) + " for weights and gradients";
    if (plan.recompute) text += "; currents are computed anew on the way back";
    return text;
}

}  // namespace spikelens

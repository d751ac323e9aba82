#include "spikelens/snn/simulate.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "graph.h"
#include "kernels/dispatch.h"
#include "lower.h"
#include "record.h"
#include "simulator_plan.h"
#include "spike_maps.h"
#include "walks.h"

namespace spikelens {

void check_request(const Network& network, const RecordRequest& request, std::span<const FilterIndex> ablated) {
    for (int layer : request.layers)
        if (layer < 0 || layer >= static_cast<int>(network.layers.size()) || !network.layers[layer].neuron)
            throw InputError("cannot record layer " + std::to_string(layer) +
                             ": the network has no spiking layer of that index");
    for (const FilterIndex& filter : ablated)
        if (filter.layer < 0 || filter.layer >= static_cast<int>(network.layers.size()) || filter.filter < 0 ||
            filter.filter >= network.layers[filter.layer].out_channels || !network.layers[filter.layer].neuron)
            throw InputError("cannot ablate filter " + std::to_string(filter.filter) + " of layer " +
                             std::to_string(filter.layer) + ": the network has no such spiking filter");
}

namespace {

/// Counts are 16 bits wide and the readout's sums 64: large average-pooling windows and many steps may not fit.
void check_counts(const Network& network, const RecordRequest& request, int64_t steps) {
    for (int index : request.layers) {
        const Layer& layer = network.layers[index];
        const int64_t most = steps * (layer.pool.kind == PoolKind::max ? 1 : layer.pool.area());
        if (request.pooled_counts && most > UINT16_MAX)
            throw InputError("pooled counts of layer " + layer.name + " can reach " + std::to_string(most) +
                             ", more than 65535");
    }
}

void check_sample_shape(const Network& network, const Shape& shape, size_t leading, const char* expected) {
    const Shape tail(shape.begin() + static_cast<ptrdiff_t>(std::min(leading, shape.size())), shape.end());
    if (shape.size() != leading + 3 || tail != network.input_shape())
        throw InputError("the network expects " + std::string(expected) + " with [C, H, W] = " +
                         shape_text(network.input_shape()) + ", but was given " + shape_text(shape));
}

void check_images(const Network& network, const FloatArray& images) {
    check_sample_shape(network, images.shape, 1, "images [N, C, H, W]");
    if (!std::ranges::all_of(images.data, [](float value) { return std::isfinite(value); }))
        throw InputError("an image holds a value that is not finite");
}

void check_spikes(const Network& network, const Array<uint8_t>& spikes) {
    check_sample_shape(network, spikes.shape, 2, "spikes [N, T, C, H, W]");
    if (spikes.extent(1) < 1 || spikes.extent(1) > 65535)
        throw InputError("spiking input has 1 to 65535 steps, not " + std::to_string(spikes.extent(1)));
    check_steps(network, spikes.extent(1));
}

/// Binary digits of the largest number of spikes in one place and step.
int input_planes(const Array<uint8_t>& spikes) {
    const uint8_t largest = spikes.empty() ? uint8_t{0} : *std::ranges::max_element(spikes.data);
    return std::max(1, static_cast<int>(std::bit_width(largest)));
}

/// Inputs of one neuron's sum, recurrent ones too.
int64_t inputs_of_one(const Layer& layer) {
    const FloatArray& recurrent = layer.recurrence.weight;
    return layer.fan_in() + (recurrent.empty() ? 0 : recurrent.row_size());
}

/// Samples that one worker takes in a row: the more, the more of them can reuse the one before.
constexpr int64_t kSamplesInRow = 32;

RunInput checked(const Network& network, const FloatArray& images) {
    check_images(network, images);
    return {&images, nullptr, images.extent(0), network.steps, 0};
}

RunInput checked(const Network& network, const Array<uint8_t>& spikes) {
    check_spikes(network, spikes);
    return {nullptr, &spikes, spikes.extent(0), static_cast<int>(spikes.extent(1)), input_planes(spikes)};
}

}  // namespace

RunInput checked(const Network& network, const Input& input) {
    return input.spiking() ? checked(network, input.spikes) : checked(network, input.images);
}

Recording make_result(const Network& network, const RecordRequest& request, const RunInput& input) {
    check_counts(network, request, input.steps);
    Recording recording;
    recording.scores = FloatArray({input.samples, network.class_count()});
    std::vector<int> layers = request.layers;
    std::ranges::sort(layers);
    layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
    for (int layer : layers)
        recording.layers.push_back(make_recording(network.layers[layer], layer, request, input.samples, input.steps));
    return recording;
}

namespace {

/// Consecutive samples, their spikes packed where the worker keeps them.
std::vector<Sample> take_samples(const RunInput& input, int64_t first, int64_t end, Worker& worker) {
    std::vector<Sample> samples;
    std::vector<SpikeMap>& packed = worker.packed_group;
    if (input.spikes) {
        packed.resize(std::max<size_t>(packed.size(), end - first + 1));
        std::swap(packed[0], packed[worker.packed_count]);
        worker.packed_count = end - first;
    }
    for (int64_t n = first; n < end; ++n) {
        if (input.images) {
            samples.push_back({n, input.images->row(n), nullptr, input.steps});
            continue;
        }
        SpikeMap& map = packed[n - first + 1];
        pack_spikes(input.spikes->sub(n), input.planes, map);
        samples.push_back({n, {}, &map, input.steps});
    }
    return samples;
}

/// Calls run(walk, samples) for all samples, some together: many samples, one thread each, where memory allows; else
/// all threads work on each in turn.
template <class Walk, class Run>
void for_each_sample(const RunSettings& settings, const RunInput& input, const Workers& workers,
                     const Execution& execution, Run run) {
    std::vector<Worker> worker(workers.count, Worker(settings, workers.threads_each));
    std::vector<Walk> walks(worker.begin(), worker.end());
    const int64_t samples = input.samples;
    const int64_t in_row = workers.count > 1 ? std::clamp<int64_t>(samples / (4 * workers.count), 1, kSamplesInRow)
                                             : std::max<int64_t>(1, samples);
    parallel_for((samples + in_row - 1) / in_row, workers.count, [&](int64_t part, int w) {
        const int64_t end = std::min(samples, (part + 1) * in_row);
        for (int64_t n = part * in_row; n < end; n += workers.together) {
            execution.stop_if_cancelled();
            run(walks[w], take_samples(input, n, std::min(end, n + workers.together), worker[w]));
        }
    });
}

}  // namespace

const LayerRecording& Recording::layer(int index) const {
    const auto found = std::ranges::find(layers, index, &LayerRecording::layer);
    assert(found != layers.end());
    return *found;
}

std::vector<int> predictions(const FloatArray& scores) {
    std::vector<int> result;
    for (int64_t n = 0; n < scores.extent(0); ++n) {
        const auto row = scores.row(n);
        result.push_back(static_cast<int>(std::ranges::max_element(row) - row.begin()));
    }
    return result;
}

Simulator::Plan::Plan(const Network& source, Execution wanted, const std::function<void(int)>& done)
    : execution(std::move(wanted)) {
    check_network(source, "the network");
    for (const Layer& layer : source.layers)
        if (const int64_t inputs = inputs_of_one(layer); inputs > kernels::kMostInputs)
            throw InputError("layer " + layer.name + " has " + std::to_string(inputs) +
                             " inputs for each output; the exact kernels take at most " +
                             std::to_string(kernels::kMostInputs));
    kernels = &kernels::choose_kernels(execution.kernel);
    signals = layer_signals(source);
    slots = map_slots(source);
    chain = is_chain(source);
    real_inputs.resize(source.layers.size());
    for (size_t l = 0; l < source.layers.size(); ++l) {
        const Layer& layer = source.layers[l];
        const int from = layer.inputs[0];
        if (from == kNetworkInput && !needs_own_sums(layer)) real_inputs[l] = lower_for_real_input(layer);
        const double unit = from == kNetworkInput ? 1.0 : signals[from].sent.unit();
        const bool own_sums = needs_own_sums(layer) || layer.recurrence.kind != RecurrenceKind::none;
        layers.push_back(layer.weighted() && !own_sums ? lower_for_spikes(layer, unit) : lower_join(layer));
        general.push_back(lower_general(layer, from == kNetworkInput ? 1 : signals[from].sent.divisor, layers[l]));
        if (layer.neuron ? !kernels_fire(layer) : l + 1 < source.layers.size()) send_currents(layers[l]);
        done(static_cast<int>(l));
    }
}

Workers Simulator::Plan::workers(int64_t samples, int64_t bytes_each) const {
    if (bytes_each > execution.memory)
        throw InputError("one sample takes " + size_text(bytes_each) + " while it is simulated, more than the " +
                         size_text(execution.memory) + " of memory that it may take");
    const int threads = execution.threads > 0 ? execution.threads : available_threads();
    const int64_t fit = execution.memory / std::max<int64_t>(1, bytes_each);
    if (samples < threads || fit < threads) return {1, threads};
    return {threads, 1};
}

int Simulator::Plan::together(const Workers& workers, int64_t bytes, int64_t shared_bytes) const {
    constexpr int64_t kMostTogether = 16, kMostMapBytes = int64_t{32} << 20, kLeastWeightBytes = int64_t{4} << 20;
    int64_t weight_bytes = 0;
    for (const kernels::LayerPlan& layer : layers) weight_bytes += 4 * static_cast<int64_t>(layer.weights.size());
    if (weight_bytes < kLeastWeightBytes) return 1;  // they stay in the caches
    const int64_t left = std::min(execution.memory / workers.count - bytes, kMostMapBytes);
    return static_cast<int>(
        std::clamp<int64_t>(1 + left / std::max<int64_t>(1, bytes - shared_bytes), 1, kMostTogether));
}

Simulator::Simulator(std::unique_ptr<const Plan> plan) : plan_(std::move(plan)) {}

Simulator::Simulator(Network network, Execution execution)
    : Simulator(std::make_shared<const Network>(std::move(network)), std::move(execution)) {}

Simulator::Simulator(std::shared_ptr<const Network> network, Execution execution) {
    auto plan = std::make_unique<Plan>(*network, std::move(execution), [](int) {});
    plan->network = std::move(network);
    plan_ = std::move(plan);
}

Simulator Simulator::without_weights(Network network, Execution execution) {
    auto plan = std::make_unique<Plan>(network, std::move(execution), [&](int layer) {
        if (network.layers[layer].kind == LayerKind::norm) return;  // which is not lowered
        network.layers[layer].weight = {};
        network.layers[layer].bias = {};
    });
    plan->network = std::make_shared<const Network>(std::move(network));
    return Simulator(std::unique_ptr<const Plan>(std::move(plan)));
}

Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;
Simulator& Simulator::operator=(Simulator&&) noexcept = default;

const Network& Simulator::network() const { return *plan_->network; }
const Execution& Simulator::execution() const { return plan_->execution; }
std::shared_ptr<const Network> Simulator::shared_network() const { return plan_->network; }

Recording Simulator::Plan::run(const RunInput& input, const RecordRequest& request,
                               std::span<const FilterIndex> ablated) const {
    check_request(*network, request, ablated);
    Recording recording = make_result(*network, request, input);
    const RunSettings shared = settings(ablated);
    const SampleMemory memory = sample_memory(shared, request, input.steps, input.planes);
    Workers who = workers(input.samples, memory.plain);
    const auto run = [&](auto& walk, const std::vector<Sample>& samples) { walk.run(samples, recording); };
    const bool reuse = may_reuse(who, input.samples, request, memory);
    who.together = together(who, reuse ? memory.all_maps : memory.plain, memory.shared);
    if (reuse)
        for_each_sample<ChangedWalk>(shared, input, who, execution, run);
    else
        for_each_sample<FullWalk>(shared, input, who, execution, run);
    return recording;
}

Recording Simulator::run(const FloatArray& images, const RecordRequest& request,
                         std::span<const FilterIndex> ablated) const {
    return plan_->run(checked(network(), images), request, ablated);
}

Recording Simulator::run(const Input& input, const RecordRequest& request, std::span<const FilterIndex> ablated) const {
    return plan_->run(checked(network(), input), request, ablated);
}

Recording Simulator::run_spikes(const Array<uint8_t>& spikes, const RecordRequest& request,
                                std::span<const FilterIndex> ablated) const {
    return plan_->run(checked(network(), spikes), request, ablated);
}

FloatArray Simulator::run_ablations(const Input& input, std::span<const std::vector<FilterIndex>> sets) const {
    const RunInput samples = checked(network(), input);
    for (const auto& set : sets) check_request(network(), {}, set);
    FloatArray scores({static_cast<int64_t>(sets.size()), samples.samples, network().class_count()});
    const RunSettings settings = plan_->settings({});
    const Workers workers =
        plan_->workers(samples.samples, sample_memory(settings, {}, samples.steps, samples.planes).ablations);
    const Ablations ablations(network(), sets);
    const auto run = [&](auto& walk, const std::vector<Sample>& one) { walk.run(one.front(), ablations, scores); };
    if (plan_->chain)
        for_each_sample<AblationWalk>(settings, samples, workers, execution(), run);
    else
        for_each_sample<GraphAblationWalk>(settings, samples, workers, execution(), run);
    return scores;
}

std::vector<std::string> Simulator::describe_kernels() const {
    std::vector<std::string> lines;
    const std::vector<Layer>& layers = plan_->network->layers;
    for (size_t l = 0; l < plan_->layers.size(); ++l) {
        const int from = layers[l].inputs[0];
        if (!layers[l].weighted()) {
            lines.push_back(layers[l].name + ": " +
                            (layers[l].neuron || plan_->signals[l].sent.currents ? "currents in float32"
                                                                                 : "numbers of spikes as bits") +
                            (layers[l].neuron ? std::string(", ") + plan_->kernels->name : ""));
            continue;
        }
        if (plan_->general[l].own_sums) {
            lines.push_back(layers[l].name + ": event-driven, exact integer sums, portable loops");
            continue;
        }
        std::string how = from == kNetworkInput ? "images once in float32, spikes as exact integer sums"
                                                : "event-driven, exact integer sums";
        const int planes = from == kNetworkInput ? 1 : planes_of(plan_->signals[from].sent);
        const double slices =
            kernels::least_slice_density(*plan_->kernels, plan_->layers[l], plan_->network->steps, planes);
        if (slices <= 0.5) how += "; int8 slices from " + std::to_string(std::lround(100 * slices)) + " % spikes on";
        lines.push_back(layers[l].name + ": " + how + ", " + plan_->kernels->name);
    }
    return lines;
}

}  // namespace spikelens

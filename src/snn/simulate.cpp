#include "spikelens/snn/simulate.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/kernels/dispatch.h"

#include "lower.h"
#include "record.h"
#include "sample_run.h"
#include "spike_maps.h"

namespace spikelens {

struct Simulator::Plan {
    Network network;
    SimulateOptions options;
    const KernelSet* kernels = nullptr;
    LayerPlan real_input;           // the first layer, for direct coding
    std::vector<LayerPlan> layers;  // all layers for spiking input
};

namespace {

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

/// Counts are 16 bits wide and the readout's sums 64: large average-pooling windows and many steps may not fit.
void check_counts(const Network& network, const RecordRequest& request, int64_t steps) {
    for (int index : request.layers) {
        const Layer& layer = network.layers[index];
        const int64_t most = steps * (layer.pool.kind == PoolKind::average ? layer.pool.size * layer.pool.size : 1);
        if (request.pooled_counts && most > UINT16_MAX)
            throw InputError("pooled counts of layer " + layer.name + " can reach " + std::to_string(most) +
                             ", more than 65535");
    }
}

void check_sample_shape(const Network& network, const Shape& shape, size_t leading, const char* expected) {
    const Shape tail(shape.begin() + static_cast<ptrdiff_t>(std::min(leading, shape.size())), shape.end());
    if (shape.size() != leading + 3 || tail != network.input_shape())
        throw InputError("the network expects " + std::string(expected) +
                         " with [C, H, W] = " + shape_text(network.input_shape()) + ", but was given " + shape_text(shape));
}

void check_images(const Network& network, const FloatArray& images) {
    check_sample_shape(network, images.shape, 1, "images [N, C, H, W]");
    if (!std::ranges::all_of(images.data, [](float value) { return std::isfinite(value); }))
        throw InputError("an image holds a value that is not finite");
}

Recording make_result(const Network& network, const RecordRequest& request, int64_t samples, int steps) {
    Recording recording;
    recording.scores = FloatArray({samples, network.class_count()});
    std::vector<int> layers = request.layers;
    std::ranges::sort(layers);
    layers.erase(std::unique(layers.begin(), layers.end()), layers.end());
    for (int layer : layers) recording.layers.push_back(make_recording(network.layers[layer], layer, request, samples, steps));
    return recording;
}

/// Many samples: one thread each. Few: all threads work on each sample in turn.
void for_each_sample(int64_t samples, int threads,
                     const std::function<void(int64_t sample, int inner_threads, Scratch&)>& body) {
    if (threads <= 0) threads = available_threads();
    const bool over_samples = samples >= threads;
    std::vector<Scratch> scratch(over_samples ? threads : 1);
    parallel_for(samples, over_samples ? threads : 1,
                 [&](int64_t sample, int worker) { body(sample, over_samples ? 1 : threads, scratch[worker]); });
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

Simulator::Simulator(const Network& network, SimulateOptions options) {
    check_network(network, "the network");
    for (const Layer& layer : network.layers)
        if (layer.fan_in() > kernels::kMostInputs)
            throw InputError("layer " + layer.name + " has " + std::to_string(layer.fan_in()) +
                             " inputs for each output; the exact kernels take at most " + std::to_string(kernels::kMostInputs));
    auto plan = std::make_unique<Plan>();
    plan->network = network;
    plan->kernels = &kernels::choose_kernels(options.kernel);
    plan->options = std::move(options);
    plan->real_input = lower_for_real_input(network.layers.front());
    double input_scale = 1.0;
    for (const Layer& layer : network.layers) {
        plan->layers.push_back(lower_for_spikes(layer, input_scale));
        input_scale = layer.pool.kind == PoolKind::average ? 1.0 / (layer.pool.size * layer.pool.size) : 1.0;
    }
    plan_ = std::move(plan);
}

Simulator::~Simulator() = default;
Simulator::Simulator(Simulator&&) noexcept = default;
Simulator& Simulator::operator=(Simulator&&) noexcept = default;

const Network& Simulator::network() const { return plan_->network; }

Recording Simulator::run(const FloatArray& images, const RecordRequest& request, std::span<const FilterIndex> ablated) const {
    const Network& network = plan_->network;
    check_images(network, images);
    check_request(network, request, ablated);
    check_counts(network, request, network.steps);
    Recording recording = make_result(network, request, images.extent(0), network.steps);
    for_each_sample(images.extent(0), plan_->options.threads, [&](int64_t n, int threads, Scratch& scratch) {
        SampleRun run(network, *plan_->kernels, plan_->real_input, plan_->layers, ablated, threads, scratch);
        run.run({n, images.row(n).data(), nullptr, network.steps}, recording);
    });
    return recording;
}

Recording Simulator::run_spikes(const Array<uint8_t>& spikes, const RecordRequest& request,
                                std::span<const FilterIndex> ablated) const {
    const Network& network = plan_->network;
    check_sample_shape(network, spikes.shape, 2, "spikes [T, N, C, H, W]");
    check_request(network, request, ablated);
    const int64_t steps = spikes.extent(0), samples = spikes.extent(1);
    if (steps < 1 || steps > 65535) throw InputError("spiking input has 1 to 65535 steps, not " + std::to_string(steps));
    check_counts(network, request, steps);
    const uint8_t largest = spikes.empty() ? uint8_t{0} : *std::ranges::max_element(spikes.data);
    const int planes = std::max(1, static_cast<int>(std::bit_width(largest)));
    const int64_t sample_size = element_count(network.input_shape());
    Recording recording = make_result(network, request, samples, static_cast<int>(steps));
    for_each_sample(samples, plan_->options.threads, [&](int64_t n, int threads, Scratch& scratch) {
        SpikeMap input;
        pack_spikes(spikes.data.data() + n * sample_size, samples * sample_size, static_cast<int>(steps), network.input_shape(),
                    planes, input);
        SampleRun run(network, *plan_->kernels, plan_->real_input, plan_->layers, ablated, threads, scratch);
        run.run({n, nullptr, &input, static_cast<int>(steps)}, recording);
    });
    return recording;
}

FloatArray Simulator::run_ablations(const FloatArray& images, std::span<const std::vector<FilterIndex>> sets) const {
    const Network& network = plan_->network;
    check_images(network, images);
    for (const auto& set : sets) check_request(network, {}, set);
    FloatArray scores({static_cast<int64_t>(sets.size()), images.extent(0), network.class_count()});
    for_each_sample(images.extent(0), plan_->options.threads, [&](int64_t n, int threads, Scratch& scratch) {
        SampleRun run(network, *plan_->kernels, plan_->real_input, plan_->layers, {}, threads, scratch);
        run.run_ablations({n, images.row(n).data(), nullptr, network.steps}, sets, scores);
    });
    return scores;
}

std::vector<std::string> Simulator::describe_kernels() const {
    std::vector<std::string> lines;
    for (size_t l = 0; l < plan_->layers.size(); ++l) {
        const std::string how = l == 0 ? "real input once in float32, then neurons" : "event-driven, exact integer sums";
        lines.push_back(plan_->network.layers[l].name + ": " + how + ", " + plan_->kernels->name);
    }
    return lines;
}

}  // namespace spikelens

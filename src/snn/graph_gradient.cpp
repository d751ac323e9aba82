#include "graph_gradient.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "graph_trace.h"
#include "sample_memory.h"

namespace spikelens {

/// What gradients are taken of, one sample at a time.
struct GraphGradient::Samples {
    const FloatArray* values = nullptr;  ///< images or sequences
    const Array<uint8_t>* spikes = nullptr;
    bool exact = false;  ///< the exact simulation gives potentials and scores
    int64_t count = 0;
    int steps = 0;

    std::vector<float> of(int64_t n) const {
        if (spikes) return {spikes->row(n).begin(), spikes->row(n).end()};
        return {values->row(n).begin(), values->row(n).end()};
    }
    Recording recording(const Simulator& simulator, const RecordRequest& request, int64_t n) const {
        if (spikes) return simulator.run_spikes(spikes->rows(n, 1).copy(), request);
        return simulator.run(values->rows(n, 1).copy(), request);
    }
};

namespace {

void check_targets(const Network& network, int64_t samples, std::span<const int> targets) {
    if (static_cast<int64_t>(targets.size()) != samples)
        throw InputError("the gradient has " + std::to_string(samples) + " samples but " + std::to_string(targets.size()) +
                         " targets");
    for (const int target : targets)
        if (target < 0 || target >= network.class_count())
            throw InputError("the gradient's target " + std::to_string(target) + " is not a class: expected 0 to " +
                             std::to_string(network.class_count() - 1));
}

void check_shape(const Network& network, const Shape& shape, size_t leading, const std::string& axes) {
    const Shape wanted = network.input_shape();
    if (shape.size() != leading + 3 || !std::equal(wanted.begin(), wanted.end(), shape.end() - 3))
        throw InputError("the input of the gradient has the shape " + shape_text(shape) + "; the network needs [" + axes +
                         shape_text(wanted).substr(1));
    if (leading == 2 && (shape[1] < 1 || shape[1] > 65535)) throw InputError("a sequence has 1 to 65535 steps");
}

void check_values(const FloatArray& values) {
    if (!std::ranges::all_of(values.data, [](float value) { return std::isfinite(value); }))
        throw InputError("the input of the gradient holds a value that is not finite");
}

RecordRequest potentials_of(const Network& network) {
    RecordRequest request;
    request.potentials = true;
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
        if (network.layers[l].neuron) request.layers.push_back(l);
    return request;
}

/// A sample forward; the scores of the exact simulation where it is asked.
template <class Samples>
void forward(const Simulator& simulator, const Samples& samples, int64_t n, GraphTrace& trace, std::span<float> scores) {
    const Network& network = simulator.network();
    const std::vector<float> values = samples.of(n);
    if (!samples.exact) return trace.forward(values, samples.steps, {}, scores);
    const Recording recording = samples.recording(simulator, potentials_of(network), n);
    std::vector<std::span<const float>> potentials(network.layers.size());
    for (const LayerRecording& layer : recording.layers) potentials[layer.layer] = layer.potentials.data;
    trace.forward(values, samples.steps, potentials, scores);
    std::ranges::copy(recording.scores.data, scores.begin());
}

}  // namespace

GraphGradient::GraphGradient(std::shared_ptr<const Simulator> simulator, GradientOptions options)
    : simulator_(std::move(simulator)), options_(options) {}

int GraphGradient::workers(int64_t samples, int64_t steps) const {
    const Execution& execution = simulator_->execution();
    const int64_t bytes = graph_trace_bytes(simulator_->network(), steps);
    if (bytes > execution.memory)
        throw InputError("the gradient of one sample takes " + size_text(bytes) + ", more than the " +
                         size_text(execution.memory) + " of memory that it may take");
    const int threads = execution.threads > 0 ? execution.threads : available_threads();
    return static_cast<int>(std::clamp<int64_t>(std::min(execution.memory / bytes, samples), 1, threads));
}

InputGradient GraphGradient::gradient(const Input& input, std::span<const int> targets) const {
    const Network& network = simulator_->network();
    check_shape(network, input.shape(), input.spiking() ? 2 : 1, input.spiking() ? "N, T, " : "N, ");
    check_values(input.images);
    const int steps = input.spiking() ? static_cast<int>(input.steps()) : network.steps;
    return gradient({input.spiking() ? nullptr : &input.images, input.spiking() ? &input.spikes : nullptr, !options_.smooth,
                     input.samples(), steps},
                    targets);
}

InputGradient GraphGradient::sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const {
    check_shape(simulator_->network(), sequence.shape, 2, "N, T, ");
    check_values(sequence);
    return gradient({&sequence, nullptr, false, sequence.extent(0), static_cast<int>(sequence.extent(1))}, targets);
}

InputGradient GraphGradient::gradient(const Samples& samples, std::span<const int> targets) const {
    const Network& network = simulator_->network();
    check_targets(network, samples.count, targets);
    const Shape shape = samples.spikes ? samples.spikes->shape : samples.values->shape;
    InputGradient result{FloatArray({samples.count, network.class_count()}), FloatArray(shape)};
    parallel_for(samples.count, workers(samples.count, samples.steps), [&](int64_t n, int) {
        simulator_->execution().stop_if_cancelled();
        GraphTrace trace(network, options_);
        forward(*simulator_, samples, n, trace, result.scores.row(n));
        const std::span<float> to = result.gradient.row(n);
        std::vector<double> sum(to.size());  // of an image over its steps
        const GraphTrace::Values by_step = trace.input_gradient(targets[n]);
        for (size_t i = 0; i < by_step.size(); ++i) sum[i % sum.size()] += by_step[i];
        std::ranges::copy(sum, to.begin());
    });
    return result;
}

SpikeGradient GraphGradient::spike_gradient(const Input& input, std::span<const int> targets, int layer) const {
    const Network& network = simulator_->network();
    check_shape(network, input.shape(), input.spiking() ? 2 : 1, input.spiking() ? "N, T, " : "N, ");
    check_values(input.images);
    check_targets(network, input.samples(), targets);
    if (layer < 0 || layer >= static_cast<int>(network.layers.size()) || !network.layers[layer].neuron)
        throw InputError("the network has no spiking layer " + std::to_string(layer) + " to take a gradient at");
    const int steps = input.spiking() ? static_cast<int>(input.steps()) : network.steps;
    const Samples samples{input.spiking() ? nullptr : &input.images, input.spiking() ? &input.spikes : nullptr,
                          !options_.smooth, input.samples(), steps};
    const Layer& where = network.layers[layer];
    const Shape shape{samples.count, steps, where.out_channels, where.out_height, where.out_width};
    SpikeGradient result{FloatArray({samples.count, network.class_count()}), FloatArray(shape), FloatArray(shape)};
    parallel_for(samples.count, workers(samples.count, steps), [&](int64_t n, int) {
        simulator_->execution().stop_if_cancelled();
        GraphTrace trace(network, options_);
        forward(*simulator_, samples, n, trace, result.scores.row(n));
        std::ranges::copy(trace.fired_gradient(targets[n], layer), result.gradient.row(n).begin());
        std::ranges::copy(trace.fired(layer), result.spikes.row(n).begin());
    });
    return result;
}

}  // namespace spikelens

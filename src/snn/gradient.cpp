#include "spikelens/snn/gradient.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/snn/simulate.h"

#include "gradient_pass.h"
#include "graph_trace.h"
#include "simulator_plan.h"

namespace spikelens {

struct GradientNetwork::Modules {
    std::shared_ptr<const Network> network;
    GradientOptions options;
    Execution execution;
    std::shared_ptr<const Simulator> simulator;  ///< unless all is computed in double
    bool chain;
    std::unique_ptr<const ExactGradient> exact;

    Modules(std::shared_ptr<const Network> source, const GradientOptions& wanted, Execution how,
            std::shared_ptr<const Simulator> simulated)
        : network(std::move(source)),
          options(wanted),
          execution(std::move(how)),
          simulator(std::move(simulated)),
          chain(is_chain(*network)) {
        if (options.smooth || options.double_precision) return;
        if (!simulator) simulator = std::make_shared<const Simulator>(network, execution);
        if (ExactGradient::can(*network))
            exact = std::make_unique<const ExactGradient>(simulator->plan(), options.surrogate);
    }

    // The input is [N, C, H, W] or [N, T, C, H, W].
    void check(const FloatArray& input, std::span<const int> targets) const;
    Workers workers(const FloatArray& input) const;
    std::unique_ptr<GradientPass> make_pass(int threads) const;
    template <class Take>
    void run(const FloatArray& input, int layer, FloatArray& scores, const Take& take) const;
    InputGradient gradient(const FloatArray& input, std::span<const int> targets) const;
    SpikeGradient spike_gradient(const FloatArray& input, std::span<const int> targets, int layer) const;
};

namespace {

void check_extents(const FloatArray& input, size_t leading, const std::string& axes, const Network& network) {
    const Shape wanted = network.input_shape();
    if (input.shape.size() != leading + wanted.size() ||
        !std::equal(wanted.begin(), wanted.end(), input.shape.begin() + leading))
        throw InputError("the input of the gradient has the shape " + shape_text(input.shape) +
                         "; the network needs [" + axes + std::to_string(network.channels) + ", " +
                         std::to_string(network.height) + ", " + std::to_string(network.width) + "]");
}

void check_sequence(const FloatArray& input, const Network& network) {
    check_extents(input, 2, "N, T, ", network);
    if (input.extent(1) < 1 || input.extent(1) > 65535)
        throw InputError("a sequence has 1 to 65535 steps, not " + std::to_string(input.extent(1)));
    check_steps(network, input.extent(1));
}

FloatArray as_values(const Array<uint8_t>& spikes) { return {spikes.shape, {spikes.data.begin(), spikes.data.end()}}; }

bool constant(const FloatArray& input) { return input.shape.size() == 4; }

int steps_of(const FloatArray& input, const Network& network) {
    return constant(input) ? network.steps : static_cast<int>(input.extent(1));
}

}  // namespace

void GradientNetwork::Modules::check(const FloatArray& input, std::span<const int> targets) const {
    const int64_t samples = input.extent(0);
    if (static_cast<int64_t>(targets.size()) != samples)
        throw InputError("the gradient has " + std::to_string(samples) + " samples but " +
                         std::to_string(targets.size()) + " targets");
    for (int target : targets)
        if (target < 0 || target >= network->class_count())
            throw InputError("the gradient's target " + std::to_string(target) + " is not a class: expected 0 to " +
                             std::to_string(network->class_count() - 1));
    if (!std::ranges::all_of(input.data, [](float value) { return std::isfinite(value); }))
        throw InputError("the input of the gradient holds a value that is not finite");
}

/// As many samples side by side as there is memory for.
Workers GradientNetwork::Modules::workers(const FloatArray& input) const {
    constexpr int kMostPlanes = 8;  // of spikes: their maps are small
    const int steps = steps_of(input, *network), planes = constant(input) ? 0 : kMostPlanes;
    const int64_t bytes = exact   ? exact->bytes(steps, planes)
                          : chain ? plain_pass_bytes(*network, steps)
                                  : graph_trace_bytes(*network, steps);
    if (bytes > execution.memory)
        throw InputError("the gradient of one sample takes " + size_text(bytes) + ", more than the " +
                         size_text(execution.memory) + " of memory that it may take");
    const int threads = execution.threads > 0 ? execution.threads : available_threads();
    const int64_t most = std::max<int64_t>(1, std::min(execution.memory / bytes, input.extent(0)));
    const int count = static_cast<int>(std::min<int64_t>(threads, most));
    return {count, count == 1 ? threads : 1};
}

std::unique_ptr<GradientPass> GradientNetwork::Modules::make_pass(int threads) const {
    if (exact) return exact->make_pass(threads);
    if (chain) return make_plain_pass(*network, options);
    const bool simulated = !options.smooth && !options.double_precision;
    return make_graph_pass(*network, options, simulated ? simulator.get() : nullptr);
}

/// Calls take(pass, n) for each sample n once its scores are there.
template <class Take>
void GradientNetwork::Modules::run(const FloatArray& input, int layer, FloatArray& scores, const Take& take) const {
    const Workers who = workers(input);
    std::vector<std::unique_ptr<GradientPass>> passes(who.count);
    parallel_for(input.extent(0), who.count, [&](int64_t sample, int worker) {
        execution.stop_if_cancelled();
        std::unique_ptr<GradientPass>& pass = passes[worker];
        if (!pass) pass = make_pass(who.threads_each);
        pass->forward({input.row(sample), steps_of(input, *network), constant(input), layer}, scores.row(sample));
        take(*pass, sample);
    });
}

InputGradient GradientNetwork::Modules::gradient(const FloatArray& input, std::span<const int> targets) const {
    check(input, targets);
    InputGradient result{FloatArray({input.extent(0), network->class_count()}), FloatArray(input.shape)};
    run(input, -1, result.scores,
        [&](GradientPass& pass, int64_t n) { pass.input_gradient(targets[n], result.gradient.row(n)); });
    return result;
}

/// A layer's spikes are over all steps, of images those of the network.
SpikeGradient GradientNetwork::Modules::spike_gradient(const FloatArray& input, std::span<const int> targets,
                                                       int layer) const {
    check(input, targets);
    if (layer < 0 || layer >= static_cast<int>(network->layers.size()) || !network->layers[layer].neuron)
        throw InputError("the network has no spiking layer " + std::to_string(layer) + " to take a gradient at");
    const Layer& where = network->layers[layer];
    const Shape shape{input.extent(0), steps_of(input, *network), where.out_channels, where.out_height,
                      where.out_width};
    SpikeGradient result{FloatArray({input.extent(0), network->class_count()}), FloatArray(shape), FloatArray(shape)};
    run(input, layer, result.scores, [&](GradientPass& pass, int64_t n) {
        pass.spike_gradient(targets[n], layer, result.spikes.row(n), result.gradient.row(n));
    });
    return result;
}

GradientNetwork::GradientNetwork(std::shared_ptr<const Network> network, GradientOptions options, Execution execution) {
    check_network(*network, "gradient");
    modules_ = std::make_unique<const Modules>(std::move(network), options, std::move(execution), nullptr);
}

GradientNetwork::GradientNetwork(Network network, GradientOptions options, Execution execution)
    : GradientNetwork(std::make_shared<const Network>(std::move(network)), options, std::move(execution)) {}

GradientNetwork::GradientNetwork(std::shared_ptr<const Simulator> simulator, GradientOptions options) {
    const Simulator& held = *simulator;
    modules_ = std::make_unique<const Modules>(held.shared_network(), options, held.execution(), std::move(simulator));
}

GradientNetwork::~GradientNetwork() = default;
GradientNetwork::GradientNetwork(GradientNetwork&&) noexcept = default;
GradientNetwork& GradientNetwork::operator=(GradientNetwork&&) noexcept = default;

InputGradient GradientNetwork::input_gradient(const FloatArray& images, std::span<const int> targets) const {
    check_extents(images, 1, "N, ", *modules_->network);
    return modules_->gradient(images, targets);
}

InputGradient GradientNetwork::sequence_gradient(const FloatArray& input, std::span<const int> targets) const {
    check_sequence(input, *modules_->network);
    return modules_->gradient(input, targets);
}

InputGradient GradientNetwork::gradient(const Input& input, std::span<const int> targets) const {
    return input.spiking() ? sequence_gradient(as_values(input.spikes), targets)
                           : input_gradient(input.images, targets);
}

SpikeGradient GradientNetwork::spike_gradient(const Input& input, std::span<const int> targets, int layer) const {
    if (!input.spiking()) {
        check_extents(input.images, 1, "N, ", *modules_->network);
        return modules_->spike_gradient(input.images, targets, layer);
    }
    const FloatArray sequence = as_values(input.spikes);
    check_sequence(sequence, *modules_->network);
    return modules_->spike_gradient(sequence, targets, layer);
}

}  // namespace spikelens

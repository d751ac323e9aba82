#include "spikelens/snn/gradient.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/snn/simulate.h"

#include "sample_memory.h"
#include "torch_errors.h"
#include "torch_network.h"
#include "torch_threads.h"

namespace spikelens {

struct GradientNetwork::Modules {
    std::shared_ptr<const Network> shared;
    const Network& network = *shared;
    GradientOptions options;
    Execution execution;
    TorchNetwork torch;
    std::shared_ptr<const Simulator> simulator;  ///< where it can take the place of LibTorch's forward pass, of images
    RecordRequest potentials;                    ///< of all neurons

    Modules(std::shared_ptr<const Network> source, const GradientOptions& wanted, Execution how,
            std::shared_ptr<const Simulator> simulated)
        : shared(std::move(source)),
          options(wanted),
          execution(std::move(how)),
          torch(network, options.surrogate, options.smooth, options.double_precision ? at::kDouble : at::kFloat) {
        if (options.smooth || options.double_precision) return;
        simulator = simulated ? std::move(simulated) : std::make_shared<const Simulator>(shared, execution);
        potentials.potentials = true;
        for (size_t l = 0; l < network.layers.size(); ++l)
            if (network.layers[l].neuron) potentials.layers.push_back(static_cast<int>(l));
    }

    // The input is [N, C, H, W] or [N, T, C, H, W].
    void check(const FloatArray& input, std::span<const int> targets) const;
    int workers(int64_t samples, int64_t steps) const;
    InputGradient gradient(const FloatArray& input, std::span<const int> targets) const;
    SpikeGradient spike_gradient(const FloatArray& input, std::span<const int> targets, int layer) const;

    /// One sample forward through the network, [1, C, H, W] or [1, T, C, H, W]. The trace may look into the recording.
    struct Pass {
        Recording recording;
        TorchNetwork::Trace trace;
    };
    void forward(const ArrayView<float>& sample, Pass& pass, std::span<float> scores) const;
};

namespace {

constexpr const char* kTask = "gradients";

void check_extents(const FloatArray& input, size_t leading, const std::string& axes, const Network& network) {
    const Shape wanted = network.input_shape();
    if (input.shape.size() != leading + wanted.size() ||
        !std::equal(wanted.begin(), wanted.end(), input.shape.begin() + leading))
        throw InputError("the input of the gradient has the shape " + shape_text(input.shape) + "; the network needs [" + axes +
                         std::to_string(network.channels) + ", " + std::to_string(network.height) + ", " +
                         std::to_string(network.width) + "]");
}

void check_sequence(const FloatArray& input, const Network& network) {
    check_extents(input, 2, "N, T, ", network);
    if (input.extent(1) < 1) throw InputError("a sequence needs at least one step");
}

FloatArray as_values(const Array<uint8_t>& spikes) { return {spikes.shape, {spikes.data.begin(), spikes.data.end()}}; }

at::Tensor one_hot(int target, int64_t classes, at::ScalarType type) {
    at::Tensor row = at::zeros({1, classes}, at::TensorOptions().dtype(type));
    row.select(1, target).fill_(1);
    return row;
}

void copy_out(const at::Tensor& values, std::span<float> to) {
    const at::Tensor plain = values.to(at::kFloat).contiguous();
    std::copy_n(plain.data_ptr<float>(), to.size(), to.begin());
}

}  // namespace

void GradientNetwork::Modules::check(const FloatArray& input, std::span<const int> targets) const {
    const int64_t samples = input.extent(0);
    if (static_cast<int64_t>(targets.size()) != samples)
        throw InputError("the gradient has " + std::to_string(samples) + " samples but " + std::to_string(targets.size()) +
                         " targets");
    for (int target : targets)
        if (target < 0 || target >= network.class_count())
            throw InputError("the gradient's target " + std::to_string(target) + " is not a class: expected 0 to " +
                             std::to_string(network.class_count() - 1));
    if (!std::ranges::all_of(input.data, [](float value) { return std::isfinite(value); }))
        throw InputError("the input of the gradient holds a value that is not finite");
}

/// How many samples are computed side by side. Of one, forward leaves a value for each neuron and step; backward holds the
/// gradients on both sides of a layer and what the convolution makes of them.
int GradientNetwork::Modules::workers(int64_t samples, int64_t steps) const {
    int64_t kept = 0, largest = 0;
    for (const Layer& layer : network.layers) {
        const int64_t outputs = int64_t{layer.out_channels} * layer.out_height * layer.out_width;
        const int64_t inputs = int64_t{layer.in_channels} * layer.in_height * layer.in_width;
        kept += outputs;
        largest = std::max(largest, 2 * (inputs + outputs));
    }
    const int64_t bytes = (options.double_precision ? 8 : 4) * steps * (kept + largest);
    if (bytes > execution.memory)
        throw InputError("the gradient of one sample takes " + size_text(bytes) + ", more than the " +
                         size_text(execution.memory) + " of memory that it may take");
    const int threads = execution.threads > 0 ? execution.threads : available_threads();
    return threads_with_room(static_cast<int>(std::min<int64_t>(threads, execution.memory / bytes)), samples, kTask);
}

void GradientNetwork::Modules::forward(const ArrayView<float>& sample, Pass& pass, std::span<float> scores) const {
    const bool image = sample.shape.size() == 4;
    if (!simulator || !image) return copy_out(torch.forward(view_of(sample.data.data(), sample.shape), pass.trace), scores);
    pass.recording = simulator->run(sample.copy(), potentials);
    pass.trace = torch.trace_of(pass.recording);
    std::ranges::copy(pass.recording.scores.data, scores.begin());
}

/// A sample at a time: operators over several samples may round one of them differently with its neighbours. The steps
/// of a sample are batch enough to keep the matrix products busy.
InputGradient GradientNetwork::Modules::gradient(const FloatArray& input, std::span<const int> targets) const {
    check(input, targets);
    const int64_t samples = input.extent(0), steps = input.shape.size() == 4 ? network.steps : input.extent(1);
    InputGradient result{FloatArray({samples, network.class_count()}), FloatArray(input.shape)};
    parallel_for(samples, workers(samples, steps), [&](int64_t sample, int) {
        execution.stop_if_cancelled();
        const at::NoGradGuard no_autograd;
        compute_in_this_thread();
        Pass pass;
        forward(input.rows(sample, 1), pass, result.scores.row(sample));
        const at::Tensor target = one_hot(targets[sample], network.class_count(), torch.type());
        copy_out(torch.backward(pass.trace, target, true).input, result.gradient.row(sample));
    });
    return result;
}

/// A layer's spikes are over all steps, of images those of the network.
SpikeGradient GradientNetwork::Modules::spike_gradient(const FloatArray& input, std::span<const int> targets, int layer) const {
    check(input, targets);
    if (layer < 0 || layer >= static_cast<int>(network.layers.size()) || !network.layers[layer].neuron)
        throw InputError("the network has no spiking layer " + std::to_string(layer) + " to take a gradient at");
    const Layer& where = network.layers[layer];
    const int64_t samples = input.extent(0), steps = input.shape.size() == 4 ? network.steps : input.extent(1);
    const Shape shape{samples, steps, where.out_channels, where.out_height, where.out_width};
    SpikeGradient result{FloatArray({samples, network.class_count()}), FloatArray(shape), FloatArray(shape)};
    parallel_for(samples, workers(samples, steps), [&](int64_t sample, int) {
        execution.stop_if_cancelled();
        const at::NoGradGuard no_autograd;
        compute_in_this_thread();
        Pass pass;
        forward(input.rows(sample, 1), pass, result.scores.row(sample));
        const at::Tensor target = one_hot(targets[sample], network.class_count(), torch.type());
        const auto [spikes, gradient] = torch.spike_gradient(pass.trace, target, static_cast<size_t>(layer));
        copy_out(spikes, result.spikes.row(sample));
        copy_out(gradient, result.gradient.row(sample));
    });
    return result;
}

GradientNetwork::GradientNetwork(std::shared_ptr<const Network> network, GradientOptions options, Execution execution) {
    check_network(*network, "gradient");
    require_chain(*network, "surrogate gradients");
    modules_ = without_torch_errors(
        kTask, [&] { return std::make_unique<const Modules>(std::move(network), options, std::move(execution), nullptr); });
}

GradientNetwork::GradientNetwork(Network network, GradientOptions options, Execution execution)
    : GradientNetwork(std::make_shared<const Network>(std::move(network)), options, std::move(execution)) {}

GradientNetwork::GradientNetwork(std::shared_ptr<const Simulator> simulator, GradientOptions options) {
    require_chain(simulator->network(), "surrogate gradients");
    modules_ = without_torch_errors(kTask, [&] {
        return std::make_unique<const Modules>(simulator->shared_network(), options, simulator->execution(), simulator);
    });
}

GradientNetwork::~GradientNetwork() = default;
GradientNetwork::GradientNetwork(GradientNetwork&&) noexcept = default;
GradientNetwork& GradientNetwork::operator=(GradientNetwork&&) noexcept = default;

InputGradient GradientNetwork::input_gradient(const FloatArray& images, std::span<const int> targets) const {
    check_extents(images, 1, "N, ", modules_->network);
    return without_torch_errors(kTask, [&] { return modules_->gradient(images, targets); });
}

InputGradient GradientNetwork::sequence_gradient(const FloatArray& input, std::span<const int> targets) const {
    check_sequence(input, modules_->network);
    return without_torch_errors(kTask, [&] { return modules_->gradient(input, targets); });
}

InputGradient GradientNetwork::gradient(const Input& input, std::span<const int> targets) const {
    return input.spiking() ? sequence_gradient(as_values(input.spikes), targets) : input_gradient(input.images, targets);
}

SpikeGradient GradientNetwork::spike_gradient(const Input& input, std::span<const int> targets, int layer) const {
    if (!input.spiking()) {
        check_extents(input.images, 1, "N, ", modules_->network);
        return without_torch_errors(kTask, [&] { return modules_->spike_gradient(input.images, targets, layer); });
    }
    const FloatArray sequence = as_values(input.spikes);
    check_sequence(sequence, modules_->network);
    return without_torch_errors(kTask, [&] { return modules_->spike_gradient(sequence, targets, layer); });
}

}  // namespace spikelens

#include "spikelens/snn/gradient.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/snn/simulate.h"

#include "torch_errors.h"
#include "torch_network.h"
#include "torch_threads.h"

namespace spikelens {

struct GradientNetwork::Modules {
    std::shared_ptr<const Network> shared;
    const Network& network = *shared;
    GradientOptions options;
    TorchNetwork torch;
    std::optional<Simulator> simulator;  ///< where it can take the place of LibTorch's forward pass, of images
    RecordRequest potentials;            ///< of all neurons

    Modules(std::shared_ptr<const Network> source, const GradientOptions& wanted)
        : shared(std::move(source)),
          options(wanted),
          torch(network, options.surrogate, options.smooth, options.double_precision ? at::kDouble : at::kFloat) {
        if (options.smooth || options.double_precision) return;
        SimulateOptions one_thread;
        one_thread.threads = 1;
        one_thread.memory = std::numeric_limits<int64_t>::max();  // LibTorch's forward pass would take as much
        simulator.emplace(shared, one_thread);
        potentials.potentials = true;
        for (size_t l = 0; l < network.layers.size(); ++l)
            if (network.layers[l].neuron) potentials.layers.push_back(static_cast<int>(l));
    }

    // The input is [N, C, H, W] or [N, T, C, H, W].
    void check(const FloatArray& input, std::span<const int> targets) const;
    Result gradient(const FloatArray& input, std::span<const int> targets) const;
    SpikeResult spike_gradient(const FloatArray& input, std::span<const int> targets, int layer) const;

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

void GradientNetwork::Modules::forward(const ArrayView<float>& sample, Pass& pass, std::span<float> scores) const {
    const bool image = sample.shape.size() == 4;
    if (!simulator || !image) return copy_out(torch.forward(view_of(sample.data.data(), sample.shape), pass.trace), scores);
    pass.recording = simulator->run(sample.copy(), potentials);
    pass.trace = torch.trace_of(pass.recording);
    std::ranges::copy(pass.recording.scores.data, scores.begin());
}

/// A sample at a time: operators over several samples may round one of them differently with its neighbours. The steps
/// of a sample are batch enough to keep the matrix products busy.
GradientNetwork::Result GradientNetwork::Modules::gradient(const FloatArray& input, std::span<const int> targets) const {
    check(input, targets);
    const int64_t samples = input.extent(0);
    Result result{FloatArray({samples, network.class_count()}), FloatArray(input.shape)};
    parallel_for(samples, threads_with_room(options.threads, samples, kTask), [&](int64_t sample, int) {
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
GradientNetwork::SpikeResult GradientNetwork::Modules::spike_gradient(const FloatArray& input, std::span<const int> targets,
                                                                      int layer) const {
    check(input, targets);
    if (layer < 0 || layer >= static_cast<int>(network.layers.size()) || !network.layers[layer].neuron)
        throw InputError("the network has no spiking layer " + std::to_string(layer) + " to take a gradient at");
    const Layer& where = network.layers[layer];
    const int64_t samples = input.extent(0), steps = input.shape.size() == 4 ? network.steps : input.extent(1);
    const Shape shape{samples, steps, where.out_channels, where.out_height, where.out_width};
    SpikeResult result{FloatArray({samples, network.class_count()}), FloatArray(shape), FloatArray(shape)};
    parallel_for(samples, threads_with_room(options.threads, samples, kTask), [&](int64_t sample, int) {
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

GradientNetwork::GradientNetwork(std::shared_ptr<const Network> network, GradientOptions options) {
    check_network(*network, "gradient");
    modules_ = without_torch_errors(kTask, [&] { return std::make_unique<const Modules>(std::move(network), options); });
}

GradientNetwork::GradientNetwork(Network network, GradientOptions options)
    : GradientNetwork(std::make_shared<const Network>(std::move(network)), options) {}

GradientNetwork::~GradientNetwork() = default;
GradientNetwork::GradientNetwork(GradientNetwork&&) noexcept = default;
GradientNetwork& GradientNetwork::operator=(GradientNetwork&&) noexcept = default;

GradientNetwork::Result GradientNetwork::input_gradient(const FloatArray& images, std::span<const int> targets) const {
    check_extents(images, 1, "N, ", modules_->network);
    return without_torch_errors(kTask, [&] { return modules_->gradient(images, targets); });
}

GradientNetwork::Result GradientNetwork::sequence_gradient(const FloatArray& input, std::span<const int> targets) const {
    check_sequence(input, modules_->network);
    return without_torch_errors(kTask, [&] { return modules_->gradient(input, targets); });
}

GradientNetwork::Result GradientNetwork::gradient(const Input& input, std::span<const int> targets) const {
    return input.spiking() ? sequence_gradient(as_values(input.spikes), targets) : input_gradient(input.images, targets);
}

GradientNetwork::SpikeResult GradientNetwork::spike_gradient(const Input& input, std::span<const int> targets,
                                                             int layer) const {
    if (!input.spiking()) {
        check_extents(input.images, 1, "N, ", modules_->network);
        return without_torch_errors(kTask, [&] { return modules_->spike_gradient(input.images, targets, layer); });
    }
    const FloatArray sequence = as_values(input.spikes);
    check_sequence(sequence, modules_->network);
    return without_torch_errors(kTask, [&] { return modules_->spike_gradient(sequence, targets, layer); });
}

}  // namespace spikelens

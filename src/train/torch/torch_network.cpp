#include "torch_network.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

namespace spikelens {
namespace {

at::Tensor as_matrix(const at::Tensor& input) { return input.reshape({input.size(0), -1}); }

/// Mean over the steps folded into the batch: [T·N, …] to [N, …].
at::Tensor mean_over_steps(const at::Tensor& input, int64_t steps) {
    Shape shape(input.sizes().begin(), input.sizes().end());
    shape[0] /= steps;
    shape.insert(shape.begin(), steps);
    return input.reshape(shape).mean(0);
}

/// What is left at the end of a leaking readout of what each step brought: β^(T−1−t).
at::Tensor kept_by_readout(const Layer& layer, int64_t steps) {
    at::Tensor kept = at::empty({steps}, at::TensorOptions().dtype(at::kDouble));
    double share = 1;
    for (int64_t t = steps; t-- > 0; share *= static_cast<double>(layer.readout_beta)) kept.data_ptr<double>()[t] = share;
    return kept.to(at::kFloat);
}

bool leaks(const Layer& layer) { return !layer.neuron && layer.readout_beta != 1; }

/// Each step of [T·N, …] times its number.
at::Tensor scale_steps(const at::Tensor& values, const at::Tensor& numbers) {
    const int64_t steps = numbers.size(0);
    return (values.reshape({steps, -1}) * numbers.view({steps, 1})).reshape(values.sizes());
}

/// The adjoint of mean_over_steps.
at::Tensor spread_over_steps(const at::Tensor& gradient, int64_t steps) {
    Shape shape(gradient.sizes().begin(), gradient.sizes().end());
    shape.insert(shape.begin(), steps);
    at::Tensor spread = (gradient / steps).expand(shape);
    shape.erase(shape.begin());
    shape[0] *= steps;
    return spread.reshape(shape);
}

}  // namespace

void compute_in_this_thread() {
    if (at::get_num_threads() != 1) at::set_num_threads(1);
    using SetThreads = void (*)(int);
    // LibTorch's BLAS is whichever the system chose: only OpenBLAS has this function.
    static const auto set_blas_threads = reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    static const bool once = (set_blas_threads ? set_blas_threads(1) : void(), true);
    (void)once;
}

at::Tensor view_of(const float* data, const Shape& shape) {
    return at::from_blob(const_cast<float*>(data), shape, at::TensorOptions().dtype(at::kFloat));
}

at::Tensor view_of(FloatArray& array) { return view_of(array.data.data(), array.shape); }

TorchNetwork::TorchNetwork(const Network& network, const Surrogate& surrogate) : network_(network), surrogate_(surrogate) {
    for (const Layer& layer : network.layers) {
        Weights weights{view_of(layer.weight.data.data(), layer.weight.shape), {}};
        if (layer.has_bias) weights.bias = view_of(layer.bias.data.data(), layer.bias.shape);
        weights_.push_back(std::move(weights));
    }
}

bool TorchNetwork::finite() const {
    const auto all_finite = [](const at::Tensor& values) { return !values.defined() || values.isfinite().all().item<bool>(); };
    return std::ranges::all_of(weights_, [&](const Weights& w) { return all_finite(w.weight) && all_finite(w.bias); });
}

at::Tensor TorchNetwork::current(size_t index, const at::Tensor& input) const {
    const Layer& layer = network_.layers[index];
    const auto& [weight, bias] = weights_[index];
    if (layer.kind == LayerKind::conv) return at::conv2d(input, weight, bias, layer.stride, layer.padding);
    const at::Tensor matrix = as_matrix(input);
    return bias.defined() ? at::addmm(bias, matrix, weight.t()) : at::mm(matrix, weight.t());
}

LifPlanes TorchNetwork::planes(size_t index, const Trace& trace) const {
    const Layer& layer = network_.layers[index];
    assert(layer.neuron);
    LifPlanes planes;
    planes.neuron = *layer.neuron;
    planes.surrogate = surrogate_;
    planes.steps = trace.steps;
    planes.constant = trace.constant && index == 0;
    const int64_t samples = trace.layers[index].current.size(0) / (planes.constant ? 1 : trace.steps);
    if (layer.kind == LayerKind::full) {
        planes.planes = samples;
        planes.width = planes.pooled_width = layer.out_channels;
        return planes;
    }
    planes.pool = layer.pool;
    planes.planes = samples * layer.out_channels;
    planes.height = layer.out_height;
    planes.width = layer.out_width;
    planes.pooled_height = layer.pooled_height;
    planes.pooled_width = layer.pooled_width;
    return planes;
}

at::Tensor TorchNetwork::spikes(size_t index, const Trace& trace) const {
    const LifPlanes layer = planes(index, trace);
    const int64_t channels = network_.layers[index].out_channels;
    const bool full = network_.layers[index].kind == LayerKind::full;
    const int64_t samples = layer.planes / (full ? 1 : channels);
    Shape shape{layer.steps * samples, channels};
    if (!full) shape.insert(shape.end(), {layer.pooled_height, layer.pooled_width});
    at::Tensor result = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
    lif_forward(layer, trace.layers[index].current.data_ptr<float>(), result.data_ptr<float>());
    return result;
}

at::Tensor TorchNetwork::forward(const at::Tensor& input, Trace& trace) const {
    trace.constant = input.dim() == 4;
    trace.steps = trace.constant ? network_.steps : input.size(1);
    trace.layers.clear();
    at::Tensor signal = (trace.constant ? input : input.transpose(0, 1).flatten(0, 1)).to(at::kFloat).contiguous();
    bool in_time = !trace.constant;
    for (size_t index = 0; index < weights_.size(); ++index) {
        const bool readout = !network_.layers[index].neuron;
        const bool leaking = leaks(network_.layers[index]);
        const at::Tensor kept = leaking ? kept_by_readout(network_.layers[index], trace.steps) : at::Tensor();
        if (leaking) signal = in_time ? scale_steps(signal, kept) : signal * kept.mean();
        if (readout && in_time) signal = mean_over_steps(signal, trace.steps);
        trace.layers.push_back({trace.keep_inputs ? signal : at::Tensor(), {}});
        at::Tensor weighted = current(index, signal);
        if (leaking && weights_[index].bias.defined()) weighted = weighted + weights_[index].bias * (kept.mean() - 1);
        if (readout) return as_matrix(weighted);
        trace.layers.back().current = weighted.contiguous();
        signal = spikes(index, trace);
        in_time = true;
    }
    return as_matrix(mean_over_steps(signal, trace.steps));
}

at::Tensor TorchNetwork::neuron_gradient(size_t index, Trace& trace, const at::Tensor& gradient) const {
    const LifPlanes layer = planes(index, trace);
    at::Tensor current = std::move(trace.layers[index].current);
    lif_backward(layer, current.data_ptr<float>(), gradient.data_ptr<float>(), current.data_ptr<float>());
    return current;
}

/// Adds a layer's gradients, bias first, and returns that of its input; of the first layer's input none.
at::Tensor TorchNetwork::weights_gradient(size_t index, Trace& trace, const at::Tensor& gradient,
                                          std::vector<at::Tensor>& result) const {
    const Layer& layer = network_.layers[index];
    const auto& [weight, bias] = weights_[index];
    const at::Tensor input = std::move(trace.layers[index].input);
    const bool wants_input = index > 0;
    at::Tensor to_input, to_weight, to_bias;
    if (layer.kind == LayerKind::conv) {
        const Shape bias_shape{layer.out_channels}, stride(2, layer.stride), padding(2, layer.padding), ones(2, 1), zeros(2, 0);
        std::tie(to_input, to_weight, to_bias) =
            at::convolution_backward(gradient, input, weight, at::IntArrayRef(bias_shape), stride, padding, ones, false, zeros,
                                     1, {wants_input, true, layer.has_bias});
    } else {
        if (wants_input) to_input = at::mm(gradient, weight).reshape(input.sizes());
        to_weight = at::mm(gradient.t(), as_matrix(input));
        if (layer.has_bias) to_bias = gradient.sum(0);
    }
    if (to_bias.defined() && leaks(layer)) to_bias = to_bias * kept_by_readout(layer, trace.steps).mean();
    if (to_bias.defined()) result.push_back(to_bias);
    result.push_back(to_weight);
    return to_input;
}

std::vector<at::Tensor> TorchNetwork::backward(Trace& trace, const at::Tensor& score_gradient) const {
    std::vector<at::Tensor> result;
    at::Tensor gradient = score_gradient;
    if (network_.layers.back().neuron) gradient = spread_over_steps(gradient, trace.steps);
    for (size_t index = weights_.size(); index-- > 0;) {
        const Layer& layer = network_.layers[index];
        if (layer.neuron)
            gradient = neuron_gradient(index, trace, gradient.contiguous());
        else if (layer.kind == LayerKind::conv)
            gradient = gradient.reshape({-1, layer.out_channels, layer.out_height, layer.out_width});
        gradient = weights_gradient(index, trace, gradient, result);
        if (layer.neuron || index == 0) continue;
        gradient = spread_over_steps(gradient, trace.steps);
        if (leaks(layer)) gradient = scale_steps(gradient, kept_by_readout(layer, trace.steps));
    }
    std::ranges::reverse(result);
    return result;
}

}  // namespace spikelens

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

/// The adjoint of mean_over_steps.
at::Tensor spread_over_steps(const at::Tensor& gradient, int64_t steps) {
    Shape shape(gradient.sizes().begin(), gradient.sizes().end());
    shape.insert(shape.begin(), steps);
    at::Tensor spread = (gradient / steps).expand(shape);
    shape.erase(shape.begin());
    shape[0] *= steps;
    return spread.reshape(shape);
}

template <class Call>
void for_type(at::ScalarType type, const Call& call) {
    if (type == at::kDouble)
        call(double{});
    else
        call(float{});
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

TorchNetwork::TorchNetwork(Network& network, const Surrogate& surrogate, bool smooth, at::ScalarType type)
    : network_(network), surrogate_(surrogate), smooth_(smooth), type_(type) {
    for (Layer& layer : network.layers) {
        Weights weights{view_of(layer.weight).to(type), {}};
        if (layer.has_bias) weights.bias = view_of(layer.bias).to(type);
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
    planes.smooth = smooth_;
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
    at::Tensor result = at::empty(shape, at::TensorOptions().dtype(type_));
    for_type(type_, [&]<class Real>(Real) {
        lif_forward(layer, trace.layers[index].current.data_ptr<Real>(), result.data_ptr<Real>());
    });
    return result;
}

at::Tensor TorchNetwork::forward(const at::Tensor& input, Trace& trace) const {
    trace.constant = input.dim() == 4;
    trace.steps = trace.constant ? network_.steps : input.size(0);
    trace.layers.clear();
    at::Tensor signal = (trace.constant ? input : input.flatten(0, 1)).to(type_).contiguous();
    bool in_time = !trace.constant;
    for (size_t index = 0; index < weights_.size(); ++index) {
        const bool readout = !network_.layers[index].neuron;
        if (readout && in_time) signal = mean_over_steps(signal, trace.steps);
        const auto sizes = signal.sizes();
        trace.layers.push_back({{sizes.begin(), sizes.end()}, trace.keep_inputs ? signal : at::Tensor(), {}});
        at::Tensor weighted = current(index, signal);
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
    for_type(type_, [&]<class Real>(Real) {
        lif_backward(layer, current.data_ptr<Real>(), gradient.data_ptr<Real>(), current.data_ptr<Real>());
    });
    return current;
}

at::Tensor TorchNetwork::weights_gradient(size_t index, Trace& trace, const at::Tensor& gradient, bool input_gradient,
                                          Gradients& result) const {
    const Layer& layer = network_.layers[index];
    const auto& [weight, bias] = weights_[index];
    Trace::Step& step = trace.layers[index];
    at::Tensor to_input, to_weight, to_bias;
    if (layer.kind == LayerKind::conv) {
        // The values of the input matter to the gradient of the weights only.
        const at::Tensor input = trace.keep_inputs ? step.input : at::empty(step.input_shape, gradient.options());
        const Shape bias_shape{layer.out_channels}, stride(2, layer.stride), padding(2, layer.padding), ones(2, 1), zeros(2, 0);
        std::tie(to_input, to_weight, to_bias) =
            at::convolution_backward(gradient, input, weight, at::IntArrayRef(bias_shape), stride, padding, ones, false, zeros,
                                     1, {input_gradient, trace.keep_inputs, trace.keep_inputs && layer.has_bias});
    } else {
        if (input_gradient) to_input = at::mm(gradient, weight).reshape(step.input_shape);
        if (trace.keep_inputs) to_weight = at::mm(gradient.t(), as_matrix(step.input));
        if (trace.keep_inputs && layer.has_bias) to_bias = gradient.sum(0);
    }
    step = {};
    if (to_bias.defined()) result.parameters.push_back(to_bias);
    if (to_weight.defined()) result.parameters.push_back(to_weight);
    return to_input;
}

TorchNetwork::Gradients TorchNetwork::backward(Trace& trace, const at::Tensor& score_gradient, bool input_gradient) const {
    Gradients result;
    at::Tensor gradient = score_gradient;
    if (network_.layers.back().neuron) gradient = spread_over_steps(gradient, trace.steps);
    for (size_t index = weights_.size(); index-- > 0;) {
        const Layer& layer = network_.layers[index];
        const bool full = layer.kind == LayerKind::full;
        if (layer.neuron)
            gradient = neuron_gradient(index, trace, gradient.contiguous());
        else if (!full)
            gradient = gradient.reshape({-1, layer.out_channels, layer.out_height, layer.out_width});
        gradient = weights_gradient(index, trace, gradient, index > 0 || input_gradient, result);
        if (!layer.neuron && (index > 0 || !trace.constant) && gradient.defined())
            gradient = spread_over_steps(gradient, trace.steps);
    }
    std::reverse(result.parameters.begin(), result.parameters.end());
    result.input = gradient;
    return result;
}

}  // namespace spikelens

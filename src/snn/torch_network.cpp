#include "torch_network.h"

#include <algorithm>
#include <cassert>
#include <tuple>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include "lower.h"
#include "spike_pool.h"

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
at::Tensor kept_by_readout(const Layer& layer, int64_t steps, at::ScalarType type) {
    at::Tensor kept = at::empty({steps}, at::TensorOptions().dtype(at::kDouble));
    double share = 1;
    for (int64_t t = steps; t-- > 0; share *= static_cast<double>(layer.readout_beta)) kept.data_ptr<double>()[t] = share;
    return kept.to(type);
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

TorchNetwork::TorchNetwork(const Network& network, const Surrogate& surrogate, bool smooth, at::ScalarType type)
    : network_(network), surrogate_(surrogate), smooth_(smooth), type_(type) {
    for (const Layer& layer : network.layers) {
        Weights weights{view_of(layer.weight.data.data(), layer.weight.shape).to(type), {}};
        if (layer.has_bias) weights.bias = view_of(layer.bias.data.data(), layer.bias.shape).to(type);
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
    const auto& [shape, input, current, potentials] = trace.layers[index];
    const int64_t samples =
        potentials.defined() ? potentials.size(0) / trace.steps : current.size(0) / (planes.constant ? 1 : trace.steps);
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
    trace.steps = trace.constant ? network_.steps : input.size(1);
    trace.layers.clear();
    at::Tensor signal = (trace.constant ? input : input.transpose(0, 1).flatten(0, 1)).to(type_).contiguous();
    bool in_time = !trace.constant;
    for (size_t index = 0; index < weights_.size(); ++index) {
        const bool readout = !network_.layers[index].neuron;
        const bool leaking = leaks(network_.layers[index]);
        const at::Tensor kept = leaking ? kept_by_readout(network_.layers[index], trace.steps, type_) : at::Tensor();
        if (leaking) signal = in_time ? scale_steps(signal, kept) : signal * kept.mean();
        if (readout && in_time) signal = mean_over_steps(signal, trace.steps);
        const auto sizes = signal.sizes();
        trace.layers.push_back({{sizes.begin(), sizes.end()}, trace.keep_inputs ? signal : at::Tensor(), {}, {}});
        at::Tensor weighted = current(index, signal);
        if (leaking && weights_[index].bias.defined()) weighted = weighted + weights_[index].bias * (kept.mean() - 1);
        if (readout) return as_matrix(weighted);
        trace.layers.back().current = weighted.contiguous();
        signal = spikes(index, trace);
        in_time = true;
    }
    return as_matrix(mean_over_steps(signal, trace.steps));
}

TorchNetwork::Trace TorchNetwork::trace_of(Recording& recording) const {
    Trace trace;
    trace.constant = true;
    trace.steps = network_.steps;
    assert(recording.scores.extent(0) == 1);
    std::vector<int64_t> shape{1, network_.channels, network_.height, network_.width};
    for (size_t index = 0; index < network_.layers.size(); ++index) {
        const Layer& layer = network_.layers[index];
        if (!layer.neuron && index > 0) shape[0] = 1;
        trace.layers.push_back({shape, {}, {}, {}});
        if (!layer.neuron) break;
        const auto found = std::ranges::find(recording.layers, static_cast<int>(index), &LayerRecording::layer);
        assert(found != recording.layers.end() && !found->potentials.empty());
        shape = {trace.steps, layer.out_channels};
        std::vector<int64_t> fired = shape;
        if (layer.kind == LayerKind::conv) {
            fired.insert(fired.end(), {layer.out_height, layer.out_width});
            shape.insert(shape.end(), {layer.pooled_height, layer.pooled_width});
        }
        trace.layers.back().potentials = view_of(found->potentials.data.data(), fired);
    }
    return trace;
}

at::Tensor TorchNetwork::neuron_gradient(size_t index, Trace& trace, const at::Tensor& gradient) const {
    const LifPlanes layer = planes(index, trace);
    if (at::Tensor potentials = std::move(trace.layers[index].potentials); potentials.defined()) {
        lif_backward_from_potentials(layer, potentials.data_ptr<float>(), gradient.data_ptr<float>(),
                                     potentials.data_ptr<float>());
        return layer.constant ? potentials.narrow(0, 0, potentials.size(0) / trace.steps) : potentials;
    }
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
    if (to_bias.defined() && leaks(layer)) to_bias = to_bias * kept_by_readout(layer, trace.steps, type_).mean();
    if (to_bias.defined()) result.parameters.push_back(to_bias);
    if (to_weight.defined()) result.parameters.push_back(to_weight);
    return to_input;
}

/// Back through the layers from the last to `end`: the gradient of what goes into that one.
at::Tensor TorchNetwork::down_to(size_t end, Trace& trace, const at::Tensor& score_gradient, bool input_gradient,
                                 Gradients& result) const {
    at::Tensor gradient = score_gradient;
    if (network_.layers.back().neuron) gradient = spread_over_steps(gradient, trace.steps);
    for (size_t index = weights_.size(); index-- > end;) {
        const Layer& layer = network_.layers[index];
        const bool full = layer.kind == LayerKind::full;
        if (layer.neuron)
            gradient = neuron_gradient(index, trace, gradient.contiguous());
        else if (!full)
            gradient = gradient.reshape({-1, layer.out_channels, layer.out_height, layer.out_width});
        gradient = weights_gradient(index, trace, gradient, index > 0 || input_gradient, result);
        if (layer.neuron || !gradient.defined()) continue;
        const bool in_time = index > 0 || !trace.constant;
        if (in_time) gradient = spread_over_steps(gradient, trace.steps);
        if (!leaks(layer)) continue;
        const at::Tensor kept = kept_by_readout(layer, trace.steps, type_);
        gradient = in_time ? scale_steps(gradient, kept) : gradient * kept.mean();
    }
    return gradient;
}

TorchNetwork::Gradients TorchNetwork::backward(Trace& trace, const at::Tensor& score_gradient, bool input_gradient) const {
    Gradients result;
    result.input = down_to(0, trace, score_gradient, input_gradient, result);
    std::reverse(result.parameters.begin(), result.parameters.end());
    return result;
}

TorchNetwork::SpikeGradient TorchNetwork::spike_gradient(Trace& trace, const at::Tensor& score_gradient, size_t index) const {
    Gradients unused;
    const at::Tensor pooled = down_to(index + 1, trace, score_gradient, true, unused).contiguous();
    const LifPlanes layer = planes(index, trace);
    LifPlanes bare = layer;
    bare.pool = {};
    bare.pooled_height = layer.height;
    bare.pooled_width = layer.width;
    const Layer& shape = network_.layers[index];
    SpikeGradient result;
    result.spikes = at::empty({pooled.size(0), shape.out_channels, shape.out_height, shape.out_width}, pooled.options());
    const at::Tensor& potentials = trace.layers[index].potentials;
    if (potentials.defined())
        result.spikes.copy_(potentials.gt(lower_neuron<float>(layer.neuron).fire_above).view_as(result.spikes));
    result.gradient = layer.pool.kind == PoolKind::none ? pooled.view(result.spikes.sizes()) : at::empty_like(result.spikes);
    for_type(type_, [&]<class Real>(Real) {
        const Real* spikes = result.spikes.data_ptr<Real>();
        if (!potentials.defined())
            lif_forward(bare, trace.layers[index].current.data_ptr<Real>(), result.spikes.data_ptr<Real>());
        for (int64_t plane = 0; layer.pool.kind != PoolKind::none && plane < layer.steps * layer.planes; ++plane)
            unpool_plane(layer, spikes + plane * layer.size(), pooled.data_ptr<Real>() + plane * layer.pooled_size(),
                         result.gradient.data_ptr<Real>() + plane * layer.size());
    });
    return result;
}

}  // namespace spikelens

#include "torch_network.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include "composed_lif.h"

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

at::Tensor with_bias(at::Tensor sums, const at::Tensor& bias) {
    if (!bias.defined()) return sums;
    return sums.dim() == 2 ? sums.add_(bias) : sums.add_(bias.view({1, -1, 1, 1}));
}

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
    static const auto set_blas_threads =
        reinterpret_cast<SetThreads>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
    static const bool once = (set_blas_threads ? set_blas_threads(1) : void(), true);
    (void)once;
}

at::Tensor view_of(const float* data, const Shape& shape) {
    return at::from_blob(const_cast<float*>(data), shape, at::TensorOptions().dtype(at::kFloat));
}

at::Tensor view_of(FloatArray& array) { return view_of(array.data.data(), array.shape); }

TorchNetwork::TorchNetwork(const Network& network, const Surrogate& surrogate, std::vector<bool> frozen,
                           Computing computing)
    : network_(network),
      surrogate_(surrogate),
      frozen_(std::move(frozen)),
      computing_(computing),
      first_(std::ranges::find(frozen_, false) - frozen_.begin()) {
    for (const Layer& layer : network.layers) {
        Weights weights{view_of(layer.weight.data.data(), layer.weight.shape), {}};
        if (layer.has_bias) weights.bias = view_of(layer.bias.data.data(), layer.bias.shape);
        own_.push_back(std::move(weights));
    }
    take_weights();
}

void TorchNetwork::take_weights() {
    weights_.resize(own_.size());
    for (size_t index = 0; index < own_.size(); ++index) {
        weights_[index].weight = own_[index].weight.to(computing_.device, computing_.products);
        if (own_[index].bias.defined()) weights_[index].bias = own_[index].bias.to(computing_.device);
    }
}

/// As products take it.
at::Tensor TorchNetwork::product(const at::Tensor& values) const { return values.to(computing_.products); }

bool TorchNetwork::finite() const {
    const auto all_finite = [](const at::Tensor& values) {
        return !values.defined() || values.isfinite().all().item<bool>();
    };
    return std::ranges::all_of(own_, [&](const Weights& w) { return all_finite(w.weight) && all_finite(w.bias); });
}

/// What is left at the end of a leaking readout of what each step brought.
at::Tensor TorchNetwork::kept_by_readout(size_t index, const Trace& trace) const {
    at::Tensor kept = at::empty({trace.steps}, at::TensorOptions().dtype(at::kDouble));
    std::ranges::copy(spikelens::kept_by_readout(network_.layers[index], trace.steps), kept.data_ptr<double>());
    return kept.to(computing_.device, at::kFloat);
}

/// A layer's input of the signal that reaches it: a readout reads the mean over the steps.
at::Tensor TorchNetwork::enter(size_t index, const at::Tensor& signal, const Trace& trace) const {
    const Layer& layer = network_.layers[index];
    if (layer.neuron) return signal;
    const bool in_time = index > 0 || !trace.constant;
    if (!layer.leaks()) return in_time ? mean_over_steps(signal, trace.steps) : signal;
    const at::Tensor kept = kept_by_readout(index, trace);
    return in_time ? mean_over_steps(scale_steps(signal, kept), trace.steps) : signal * kept.mean();
}

/// Calls visit(first, length) for every piece of a convolution's inputs [T·N, C, H, W].
template <class Visit>
void for_each_piece(const Layer& layer, const at::Tensor& input, const Visit& visit) {
    const int64_t all = input.size(0), length = steps_at_once(layer);
    for (int64_t first = 0; first < all; first += length) visit(first, std::min(length, all - first));
}

at::Tensor TorchNetwork::weighted(size_t index, const at::Tensor& kept) const {
    const Layer& layer = network_.layers[index];
    const auto& [weight, bias] = weights_[index];
    const bool in_floats = computing_.products == at::kFloat;
    if (layer.kind == LayerKind::full) {
        const at::Tensor matrix = product(as_matrix(as_floats(index, kept)));
        if (in_floats && bias.defined()) return at::addmm(bias, matrix, weight.t());
        return with_bias(at::mm(matrix, weight.t()).to(at::kFloat), bias);
    }
    const auto conv = [&](const at::Tensor& piece) {
        const at::Tensor values = product(as_floats(index, piece));
        if (in_floats) return at::conv2d(values, weight, bias, layer.stride, layer.padding);
        return with_bias(at::conv2d(values, weight, at::Tensor(), layer.stride, layer.padding).to(at::kFloat), bias);
    };
    if (kept.size(0) <= steps_at_once(layer)) return conv(kept);
    at::Tensor all = at::empty({kept.size(0), layer.out_channels, layer.out_height, layer.out_width},
                               weight.options().dtype(at::kFloat));
    for_each_piece(layer, kept, [&](int64_t first, int64_t length) {
        all.narrow(0, first, length).copy_(conv(kept.narrow(0, first, length)));
    });
    return all;
}

at::Tensor TorchNetwork::current(size_t index, const at::Tensor& kept, const Trace& trace) const {
    const at::Tensor& bias = weights_[index].bias;
    at::Tensor sums = weighted(index, kept);
    if (network_.layers[index].leaks() && bias.defined())
        sums = sums + bias * (kept_by_readout(index, trace).mean() - 1);
    return sums.contiguous();
}

LifPlanes TorchNetwork::planes(size_t index, const at::Tensor& current, const Trace& trace) const {
    const Layer& layer = network_.layers[index];
    assert(layer.neuron);
    LifPlanes planes;
    planes.neuron = *layer.neuron;
    planes.surrogate = surrogate_;
    planes.steps = trace.steps;
    planes.constant = trace.constant && index == 0;
    const int64_t samples = current.size(0) / (planes.constant ? 1 : trace.steps);
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

at::Tensor TorchNetwork::spikes(size_t index, const at::Tensor& current, const Trace& trace) const {
    const LifPlanes layer = planes(index, current, trace);
    const int64_t channels = network_.layers[index].out_channels;
    const bool full = network_.layers[index].kind == LayerKind::full;
    const int64_t samples = layer.planes / (full ? 1 : channels);
    Shape shape{layer.steps * samples, channels};
    if (!full) shape.insert(shape.end(), {layer.pooled_height, layer.pooled_width});
    if (!computing_.fused) return composed_lif_forward(layer, current).view(shape);
    at::Tensor result = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
    lif_forward(layer, current.data_ptr<float>(), result.data_ptr<float>());
    return result;
}

bool TorchNetwork::reads_means(size_t index) const {
    return index > 0 && network_.layers[index - 1].pool.kind == PoolKind::average;
}

/// An input as it waits for the way back.
at::Tensor TorchNetwork::kept(size_t index, const at::Tensor& input, const Trace& trace) const {
    if (!trace.recompute || !kept_as_bytes(network_, index, !trace.constant)) return input;
    if (!reads_means(index)) return input.to(at::kByte);
    return (input * network_.layers[index - 1].pool.area()).round_().to(at::kByte);
}

/// The input as it was, to the bit: a mean is a whole number divided by the window's size.
at::Tensor TorchNetwork::as_floats(size_t index, const at::Tensor& kept) const {
    if (kept.scalar_type() == at::kFloat) return kept;
    const at::Tensor input = kept.to(at::kFloat);
    return reads_means(index) ? input.div_(network_.layers[index - 1].pool.area()) : input;
}

at::Tensor TorchNetwork::forward(const at::Tensor& input, Trace& trace) const {
    trace.constant = input.dim() == 4;
    trace.steps = trace.constant ? network_.steps : input.size(1);
    trace.layers.assign(weights_.size(), {});
    at::Tensor signal = input.to(computing_.device);
    signal = (trace.constant ? signal : signal.transpose(0, 1).flatten(0, 1)).to(at::kFloat).contiguous();
    for (size_t index = 0; index < weights_.size(); ++index) {
        const bool goes_back = index >= first_, readout = !network_.layers[index].neuron;
        signal = enter(index, signal, trace);
        if (goes_back) signal = trace.layers[index].input = kept(index, signal, trace);
        signal = current(index, signal, trace);
        if (readout) return as_matrix(signal);
        if (goes_back && !trace.recompute) trace.layers[index].current = signal;
        signal = spikes(index, signal, trace);
    }
    return as_matrix(mean_over_steps(signal, trace.steps));
}

TorchNetwork::Gradients TorchNetwork::conv_gradient(size_t index, const at::Tensor& kept,
                                                    const at::Tensor& gradient) const {
    const Layer& layer = network_.layers[index];
    const at::Tensor& weight = weights_[index].weight;
    const bool wants_input = index > first_, wants_weight = !frozen_[index],
               wants_bias = wants_weight && layer.has_bias;
    const Shape bias_shape{layer.out_channels}, stride(2, layer.stride), padding(2, layer.padding), ones(2, 1),
        zeros(2, 0);
    Gradients all;
    const bool one = kept.size(0) <= steps_at_once(layer);
    const bool in_floats = computing_.products == at::kFloat;
    if (wants_input && !one) all.input = at::empty(kept.sizes(), weight.options().dtype(at::kFloat));
    for_each_piece(layer, kept, [&](int64_t first, int64_t length) {
        auto [to_input, to_weight, to_bias] = at::convolution_backward(
            product(gradient.narrow(0, first, length)), product(as_floats(index, kept.narrow(0, first, length))),
            weight, at::IntArrayRef(bias_shape), stride, padding, ones, false, zeros, 1,
            {wants_input, wants_weight, wants_bias && in_floats});
        if (wants_input) to_input = to_input.to(at::kFloat);
        if (wants_weight) to_weight = to_weight.to(at::kFloat);
        if (wants_bias && !in_floats) to_bias = gradient.narrow(0, first, length).sum(at::IntArrayRef{0, 2, 3});
        if (first == 0) all.weight = to_weight, all.bias = to_bias;
        if (first > 0 && wants_weight) all.weight.add_(to_weight);
        if (first > 0 && wants_bias) all.bias.add_(to_bias);
        if (one) all.input = to_input;
        if (wants_input && !one) all.input.narrow(0, first, length).copy_(to_input);
    });
    return all;
}

TorchNetwork::Gradients TorchNetwork::full_gradient(size_t index, const at::Tensor& kept,
                                                    const at::Tensor& gradient) const {
    Gradients all;
    const at::Tensor factor = product(gradient);
    if (index > first_) all.input = at::mm(factor, weights_[index].weight).to(at::kFloat).reshape(kept.sizes());
    if (frozen_[index]) return all;
    all.weight = at::mm(factor.t(), product(as_matrix(as_floats(index, kept)))).to(at::kFloat);
    if (network_.layers[index].has_bias) all.bias = gradient.sum(0);
    return all;
}

/// Adds a layer's gradients, bias first, and returns that of its input; undefined where nothing before it needs one.
at::Tensor TorchNetwork::weights_gradient(size_t index, const Trace& trace, const at::Tensor& kept,
                                          const at::Tensor& gradient, std::vector<at::Tensor>& result) const {
    const Layer& layer = network_.layers[index];
    auto [to_input, to_weight, to_bias] =
        layer.kind == LayerKind::conv ? conv_gradient(index, kept, gradient) : full_gradient(index, kept, gradient);
    if (to_bias.defined() && layer.leaks()) to_bias = to_bias * kept_by_readout(index, trace).mean();
    if (layer.has_bias) result.push_back(to_bias);
    result.push_back(to_weight);
    return to_input;
}

/// Of the neurons' current, whose memory it may take.
at::Tensor TorchNetwork::current_gradient(size_t index, const at::Tensor& current, const at::Tensor& gradient,
                                          const Trace& trace) const {
    const LifPlanes layer = planes(index, current, trace);
    if (!computing_.fused) return composed_lif_backward(layer, current, gradient);
    lif_backward(layer, current.data_ptr<float>(), gradient.data_ptr<float>(), current.data_ptr<float>());
    return current;
}

std::vector<at::Tensor> TorchNetwork::backward(Trace& trace, const at::Tensor& score_gradient) const {
    std::vector<at::Tensor> result;
    at::Tensor gradient = score_gradient;
    if (network_.layers.back().neuron) gradient = spread_over_steps(gradient, trace.steps);
    for (size_t index = weights_.size(); index-- > first_;) {
        const Layer& layer = network_.layers[index];
        const auto [input, known_current] = std::exchange(trace.layers[index], {});
        if (layer.neuron) {
            const at::Tensor own = known_current.defined() ? known_current : current(index, input, trace);
            gradient = current_gradient(index, own, gradient.contiguous(), trace);
        } else if (layer.kind == LayerKind::conv) {
            gradient = gradient.reshape({-1, layer.out_channels, layer.out_height, layer.out_width});
        }
        gradient = weights_gradient(index, trace, input, gradient, result);
        if (layer.neuron || index == first_) continue;
        gradient = spread_over_steps(gradient, trace.steps);
        if (layer.leaks()) gradient = scale_steps(gradient, kept_by_readout(index, trace));
    }
    for (size_t index = first_; index-- > 0;) result.resize(result.size() + (network_.layers[index].has_bias ? 2 : 1));
    std::ranges::reverse(result);
    return result;
}

}  // namespace spikelens

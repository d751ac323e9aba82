#include "layer_adjoint.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "lower.h"
#include "wide.h"

namespace spikelens {
namespace {

using kernels::LayerPlan;

constexpr int64_t kFilledTo = 16;       // floats of a row of weights: the widest register
constexpr int64_t kMostNeurons = 4096;  // worked through time together: their potentials stay in the cache

/// Weights [out][channel][tap] as [out][tap][channel], each row filled up with zeros.
AlignedVector<float> by_tap(const Layer& layer, int64_t taps, int64_t row_length) {
    AlignedVector<float> weights(layer.out_channels * row_length);
    for (int64_t output = 0; output < layer.out_channels; ++output)
        for (int64_t channel = 0; channel < layer.in_channels; ++channel)
            for (int64_t tap = 0; tap < taps; ++tap)
                weights[output * row_length + tap * layer.in_channels + channel] =
                    layer.weight.data[(output * layer.in_channels + channel) * taps + tap];
    return weights;
}

// Channels at once; what is padded is a multiple of their number.
using Floats = float __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));
constexpr int kLanes = 8;

/// The windows of a pool, as the offsets of their places.
std::vector<int64_t> places_of(const Pool& pool, const LayerPlan& plan) {
    std::vector<int64_t> places;
    for (int64_t row = 0; row < pool.size; ++row)
        for (int64_t column = 0; column < pool.size; ++column)
            places.push_back((row * plan.out_width + column) * plan.padded());
    return places;
}

void load(const float* from, Floats& to) { std::memcpy(&to, from, sizeof to); }

/// Writes, or adds where windows overlap.
template <bool kOverlap>
void put(Floats values, float* to) {
    if constexpr (kOverlap) {
        Floats before;
        load(to, before);
        values += before;
    }
    std::memcpy(to, &values, sizeof values);
}

/// One window of a max pool: its gradient goes to the first place that spikes, or to its first place.
template <bool kOverlap>
void unpool_max(std::span<const int64_t> places, float fire_above, const float* potential, const Floats& gradient, float* out) {
    Ints winner = {};
    for (int place = static_cast<int>(places.size()); place-- > 0;) {
        Floats here;
        load(potential + places[place], here);
        winner = here > fire_above ? place - Ints{} : winner;
    }
    for (int place = 0; place < static_cast<int>(places.size()); ++place)
        put<kOverlap>(winner == place ? gradient : Floats{}, out + places[place]);
}

/// One window of a sum or an average: every place has the same share.
template <bool kOverlap>
void unpool_sum(std::span<const int64_t> places, float share, const Floats& gradient, float* out) {
    for (const int64_t place : places) put<kOverlap>(share * gradient, out + place);
}

/// G[t] += share · G[t+1], the last step first.
void carry_back(int64_t steps, int64_t size, float share, float* values) {
    for (int64_t step = steps - 1; step-- > 0;) {
        float* __restrict to = values + step * size;
        const float* __restrict from = to + size;
        for (int64_t i = 0; i < size; ++i) to[i] += share * from[i];
    }
}

}  // namespace

LayerAdjoint::LayerAdjoint(const Layer& layer, const LayerPlan& plan, const kernels::KernelSet& kernels,
                           const Surrogate& surrogate)
    : layer_(layer), plan_(plan), run_spread_(kernels.spread) {
    if (layer.neuron) neurons_.neuron = *layer.neuron;
    neurons_.surrogate = surrogate;
    const bool by_rows = plan.out_width * plan.padded() <= kMostNeurons;
    neurons_.planes = by_rows ? plan.out_height : plan.out_height * plan.out_width;
    neurons_.width = neurons_.pooled_width = frame() / neurons_.planes;
    spread_.in_height = plan.in_height;
    spread_.in_width = plan.in_width;
    spread_.in_channels = plan.in_channels;
    spread_.out_height = plan.out_height;
    spread_.out_width = plan.out_width;
    spread_.out_channels = plan.out_channels;
    spread_.padded = plan.padded();
    spread_.kernel_height = plan.kernel_height;
    spread_.kernel_width = plan.kernel_width;
    spread_.stride = plan.stride;
    spread_.padding = plan.padding;
    spread_.row_length = (layer.fan_in() + kFilledTo - 1) / kFilledTo * kFilledTo;
    weights_ = by_tap(layer, plan.taps(), spread_.row_length);
}

SPIKELENS_WIDE void LayerAdjoint::unpool(int64_t steps, const float* potentials, const float* output_gradient,
                                         float* spike_gradient) const {
    const Pool& pool = layer_.pool;
    const bool overlap = pool.stride < pool.size;
    const auto all_in_windows = [&](int extent, int pooled) {
        return pooled * pool.stride == extent && pool.stride == pool.size;
    };
    if (!all_in_windows(layer_.out_height, layer_.pooled_height) || !all_in_windows(layer_.out_width, layer_.pooled_width))
        std::fill_n(spike_gradient, steps * frame(), 0.0F);
    overlap ? unpool_windows<true>(steps, potentials, output_gradient, spike_gradient)
            : unpool_windows<false>(steps, potentials, output_gradient, spike_gradient);
}

template <bool kOverlap>
void LayerAdjoint::unpool_windows(int64_t steps, const float* potentials, const float* output_gradient,
                                  float* spike_gradient) const {
    const float fire_above = lower_neuron<float>(neurons_.neuron).fire_above;
    const auto share = static_cast<float>(pooled_unit(layer_.pool));
    const std::vector<int64_t> places = places_of(layer_.pool, plan_);
    const int64_t stride = layer_.pool.stride, channels = layer_.out_channels;
    for (int64_t step = 0; step < steps; ++step)
        for (int64_t row = 0; row < layer_.pooled_height; ++row)
            for (int64_t column = 0; column < layer_.pooled_width; ++column, output_gradient += channels)
                for (int64_t channel = 0; channel < plan_.padded(); channel += kLanes) {
                    const int64_t at = step * frame() + (row * plan_.out_width + column) * stride * plan_.padded() + channel;
                    Floats gradient = {};
                    if (channels - channel >= kLanes)
                        load(output_gradient + channel, gradient);
                    else if (channels > channel)
                        std::memcpy(&gradient, output_gradient + channel, sizeof(float) * (channels - channel));
                    if (layer_.pool.kind == PoolKind::max)
                        unpool_max<kOverlap>(places, fire_above, potentials + at, gradient, spike_gradient + at);
                    else
                        unpool_sum<kOverlap>(places, share, gradient, spike_gradient + at);
                }
}

void LayerAdjoint::unfire(int64_t steps, bool constant, float* potentials, const float* spike_gradient) const {
    LifPlanes neurons = neurons_;
    neurons.steps = steps;
    neurons.constant = constant;
    lif_backward_from_potentials(neurons, potentials, spike_gradient, potentials);
}

void LayerAdjoint::unweigh(int64_t steps, const float* added, float* input_gradient) const {
    std::fill_n(input_gradient, steps * input_size(), 0.0F);
    kernels::SpreadTask task = spread_;
    task.steps = static_cast<int>(steps);
    task.weights = weights_.data();
    task.gradient = added;
    task.input_gradient = input_gradient;
    run_spread_(task);
    carry_back(steps, input_size(), neurons_.neuron.beta, input_gradient);
    if (neurons_.neuron.alpha != 0) carry_back(steps, input_size(), neurons_.neuron.alpha, input_gradient);
}

}  // namespace spikelens

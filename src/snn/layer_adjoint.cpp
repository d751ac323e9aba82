#include "layer_adjoint.h"

#include <algorithm>
#include <span>
#include <vector>

#include "general_plan.h"
#include "graph.h"
#include "lower.h"
#include "pool_windows.h"
#include "wide.h"
#include "window_lanes.h"

namespace spikelens {
namespace {

using kernels::LayerPlan;

constexpr int64_t kFilledTo = 16;       // floats of a row of weights: the widest register
constexpr int64_t kMostNeurons = 4096;  // worked through time together: their potentials stay in the cache

/// Weights [out][channel][tap] as [out][tap][channel], each row filled up with zeros.
AlignedVector<float> by_tap(const Layer& layer, int64_t taps, int64_t row_length) {
    if (!layer.weighted()) return {};
    const int64_t channels = layer.in_channels / layer.groups;
    AlignedVector<float> weights(layer.out_channels * row_length);
    for (int64_t output = 0; output < layer.out_channels; ++output)
        for (int64_t channel = 0; channel < channels; ++channel)
            for (int64_t tap = 0; tap < taps; ++tap)
                weights[output * row_length + tap * channels + channel] =
                    layer.weight.data[(output * channels + channel) * taps + tap];
    return weights;
}

/// Whether every neuron is in one window of the pool, and in no other.
bool all_in_windows(const Layer& layer) {
    const Pool& pool = layer.pool;
    const auto all = [](int extent, int pooled, int size, int stride) {
        return pooled * stride == extent && stride == size;
    };
    return !pool.pads() && all(layer.out_height, layer.pooled_height, pool.size, pool.stride) &&
           all(layer.out_width, layer.pooled_width, pool.columns(), pool.stride_columns());
}

/// The first place of a window that spikes, or its first place; and the potential there.
void first_spike(std::span<const int64_t> places, float fire_above, const float* potentials, Ints& winner,
                 Floats& potential) {
    winner = Ints{};
    load(potentials + places[0], potential);
    for (int place = static_cast<int>(places.size()); place-- > 0;) {
        Floats here;
        load(potentials + places[place], here);
        winner = here > fire_above ? place - Ints{} : winner;
        potential = here > fire_above ? here : potential;
    }
}

/// The first place of a window that has its largest value.
void first_largest(std::span<const int64_t> places, const float* values, Ints& winner) {
    Floats best, here;
    load(values + places[0], best);
    winner = Ints{};
    for (int place = 1; place < static_cast<int>(places.size()); ++place) {
        load(values + places[place], here);
        winner = here > best ? place - Ints{} : winner;
        best = here > best ? here : best;
    }
}

/// One window of a max pool: its gradient goes to one place.
template <bool kOverlap>
void unpool_max(std::span<const int64_t> places, const Ints& winner, const Floats& gradient, float* out) {
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
    neurons_.neuron.beta = 0;  // without a neuron, a step carries nothing back to the one before
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
    const bool overlap = pool.stride < pool.size || pool.stride_columns() < pool.columns();
    if (!all_in_windows(layer_)) std::fill_n(spike_gradient, steps * frame(), 0.0F);
    overlap ? unpool_windows<true>(steps, potentials, output_gradient, spike_gradient)
            : unpool_windows<false>(steps, potentials, output_gradient, spike_gradient);
}

template <bool kOverlap>
void LayerAdjoint::unpool_windows(int64_t steps, const float* potentials, const float* output_gradient,
                                  float* spike_gradient) const {
    const float fire_above = lower_neuron<float>(neurons_.neuron).fire_above;
    const auto share = static_cast<float>(pooled_unit(layer_.pool));
    std::vector<int64_t> places = places_of(layer_.pool, plan_);
    const int64_t channels = layer_.out_channels;
    for (int64_t step = 0; step < steps; ++step)
        for (int row = 0; row < layer_.pooled_height; ++row)
            for (int column = 0; column < layer_.pooled_width; ++column, output_gradient += channels) {
                const PoolSide rows = rows_under(layer_.pool, row, layer_.out_height);
                const PoolSide columns = columns_under(layer_.pool, column, layer_.out_width);
                if (layer_.pool.pads()) places_of(rows, columns, plan_, places);
                for (int64_t channel = 0; channel < plan_.padded(); channel += kLanes) {
                    const int64_t first = int64_t{rows.first} * plan_.out_width + columns.first;
                    const int64_t at = step * frame() + first * plan_.padded() + channel;
                    const Floats gradient = load_channels(output_gradient, channel, channels);
                    if (layer_.pool.kind != PoolKind::max) {
                        unpool_sum<kOverlap>(places, share, gradient, spike_gradient + at);
                        continue;
                    }
                    Ints winner;
                    Floats potential;
                    if (layer_.neuron)
                        first_spike(places, fire_above, potentials + at, winner, potential);
                    else
                        first_largest(places, potentials + at, winner);
                    unpool_max<kOverlap>(places, winner, gradient, spike_gradient + at);
                }
            }
}

void LayerAdjoint::unfire(int64_t steps, bool constant, float* potentials, const float* output_gradient,
                          AlignedVector<float>& spare) const {
    if (by_window()) return unfire_by_window(steps, constant, potentials, output_gradient);
    if (pools()) {
        spare.resize(std::max<size_t>(spare.size(), steps * frame()));
        unpool(steps, potentials, output_gradient, spare.data());
        output_gradient = spare.data();
    }
    LifPlanes neurons = neurons_;
    neurons.steps = steps;
    neurons.constant = constant;
    lif_backward_from_potentials(neurons, potentials, output_gradient, potentials);
}

/// Whether what a step adds depends on no later step, and each neuron is in one window.
bool LayerAdjoint::by_window() const {
    return !neurons_.surrogate.through_reset && neurons_.neuron.reset != Reset::zero && all_in_windows(layer_);
}

SPIKELENS_WIDE void LayerAdjoint::unfire_by_window(int64_t steps, bool constant, float* potentials,
                                                   const float* output_gradient) const {
    switch (neurons_.surrogate.kind) {
        case SurrogateKind::triangle:
            return unfire_windows<SurrogateKind::triangle>(steps, constant, potentials, output_gradient);
        case SurrogateKind::sigmoid:
            return unfire_windows<SurrogateKind::sigmoid>(steps, constant, potentials, output_gradient);
        case SurrogateKind::fast_sigmoid:
            return unfire_windows<SurrogateKind::fast_sigmoid>(steps, constant, potentials, output_gradient);
        case SurrogateKind::atan:
            return unfire_windows<SurrogateKind::atan>(steps, constant, potentials, output_gradient);
    }
}

/// One row of windows after the other through all steps, so that sums over them stay in the cache.
template <SurrogateKind kind>
void LayerAdjoint::unfire_windows(int64_t steps, bool constant, float* potentials, const float* output_gradient) const {
    const Pool& pool = layer_.pool;
    const std::vector<int64_t> places = places_of(pool, plan_);
    const std::vector<float> factors = constant ? sums_over_time(steps, neurons_.neuron)
                                                : std::vector<float>(steps, input_scale<float>(neurons_.neuron));
    const float fire_above = lower_neuron<float>(neurons_.neuron).fire_above;
    const float inverse = 1.0F / neurons_.neuron.threshold, scale = neurons_.surrogate.scale;
    const auto share = static_cast<float>(pooled_unit(pool));
    const int64_t channels = layer_.out_channels, padded = plan_.padded(), next_window = pool.stride_columns() * padded;
    const int64_t row_size = pool.stride * plan_.out_width * padded;  // of windows
    AlignedVector<float> sum(constant ? row_size : 0);
    for (int64_t row = 0; row < layer_.pooled_height; ++row) {
        std::ranges::fill(sum, 0.0F);
        for (int64_t step = 0; step < steps; ++step) {
            float* const here = potentials + step * frame() + row * row_size;
            float* const to = constant ? sum.data() : here;
            const float* gradient =
                output_gradient + (step * layer_.pooled_height + row) * layer_.pooled_width * channels;
            for (int64_t column = 0; column < layer_.pooled_width; ++column, gradient += channels)
                for (int64_t channel = 0; channel < padded; channel += kLanes) {
                    const int64_t at = column * next_window + channel;
                    if (channel % kFilledTo == 0)  // a line of the cache
                        for (const int64_t place : places) __builtin_prefetch(here + frame() + at + place);
                    const Floats passed = factors[step] * load_channels(gradient, channel, channels);
                    const auto slope = [&](const Floats& potential) {
                        return slope_of<kind>(scale, potential * inverse - 1.0F) * inverse;
                    };
                    const auto put_at = [&](int64_t place, const Floats& added) {
                        constant ? put<true>(added, to + place) : put<false>(added, to + place);
                    };
                    if (pool.kind == PoolKind::max) {
                        Floats potential;
                        Ints winner;
                        first_spike(places, fire_above, here + at, winner, potential);
                        const Floats added = slope(potential) * passed;
                        for (int place = 0; place < static_cast<int>(places.size()); ++place)
                            put_at(at + places[place], winner == place ? added : Floats{});
                        continue;
                    }
                    for (const int64_t place : places) {
                        Floats potential;
                        load(here + at + place, potential);
                        put_at(at + place, slope(potential) * (share * passed));
                    }
                }
        }
        if (constant) std::ranges::copy(sum, potentials + row * row_size);
    }
}

bool LayerAdjoint::can(const Layer& layer) {
    return (!layer.neuron || kernels_fire(layer)) && layer.recurrence.kind == RecurrenceKind::none &&
           layer.kind != LayerKind::both && layer.kind != LayerKind::except;
}

void LayerAdjoint::carry_back_in_time(int64_t steps, int64_t size, float* values) const {
    if (neurons_.neuron.beta != 0) carry_back(steps, size, neurons_.neuron.beta, values);
    if (neurons_.neuron.alpha != 0) carry_back(steps, size, neurons_.neuron.alpha, values);
}

void LayerAdjoint::unweigh(int64_t steps, const float* added, float* input_gradient) const {
    std::fill_n(input_gradient, steps * input_size(), 0.0F);
    if (needs_own_sums(layer_)) {
        spread_in_groups(steps, added, input_gradient);
    } else {
        kernels::SpreadTask task = spread_;
        task.steps = static_cast<int>(steps);
        task.weights = weights_.data();
        task.gradient = added;
        task.input_gradient = input_gradient;
        run_spread_(task);
    }
    carry_back_in_time(steps, input_size(), input_gradient);
}

/// Of convolutions that the kernels do not have.
SPIKELENS_WIDE void LayerAdjoint::spread_in_groups(int64_t steps, const float* added, float* input_gradient) const {
    const Layer& layer = layer_;
    const int64_t inputs = layer.in_channels / layer.groups, outputs = layer.out_channels / layer.groups;
    for (int64_t step = 0; step < steps; ++step, input_gradient += input_size())
        for (int row = 0; row < layer.out_height; ++row)
            for (int column = 0; column < layer.out_width; ++column, added += plan_.padded())
                for (int tap = 0; tap < plan_.taps(); ++tap) {
                    const int y = row * layer.stride - layer.padding + tap / plan_.kernel_width * layer.dilation;
                    const int x = column * layer.stride_columns() - layer.padding_columns() +
                                  tap % plan_.kernel_width * layer.dilation_columns();
                    if (y < 0 || y >= layer.in_height || x < 0 || x >= layer.in_width) continue;
                    float* const to = input_gradient + (int64_t{y} * layer.in_width + x) * layer.in_channels;
                    for (int64_t o = 0; o < layer.out_channels; ++o) {
                        if (added[o] == 0) continue;
                        const float* __restrict weight = &weights_[o * spread_.row_length + tap * inputs];
                        float* __restrict sum = to + o / outputs * inputs;
                        for (int64_t i = 0; i < inputs; ++i) sum[i] += added[o] * weight[i];
                    }
                }
}

void LayerAdjoint::unjoin(int64_t steps, const float* added, int first_channel, int channels,
                          float* input_gradient) const {
    const int64_t places = steps * plan_.out_height * plan_.out_width;
    for (int64_t i = 0; i < places; ++i)
        std::copy_n(added + i * plan_.padded() + first_channel, channels, input_gradient + i * channels);
    const int64_t pixels = int64_t{plan_.out_height} * plan_.out_width;
    carry_back_in_time(steps, pixels * channels, input_gradient);
    if (layer_.kind != LayerKind::norm) return;
    for (int64_t step = 0; step < steps; ++step) {
        const float* const factor = norm_values(layer_, step).factor;
        for (int64_t pixel = 0; pixel < pixels; ++pixel, input_gradient += channels)
            for (int c = 0; c < channels; ++c) input_gradient[c] *= factor[c];
    }
}

}  // namespace spikelens

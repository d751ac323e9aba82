// Layers whose current is the same at every step: the potentials of a window are computed once more on the way back.
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernels/neuron_step.h"
#include "layer_adjoint.h"
#include "lower.h"
#include "wide.h"
#include "window_lanes.h"

namespace spikelens {

bool LayerAdjoint::can_fire_again() const {
    return layer_.neuron && neurons_.neuron.alpha == 0 && by_window() && (window_size() == 1 || window_size() == 4);
}

/// Neurons of a window of the pool; 1 where there is none.
int LayerAdjoint::window_size() const {
    return layer_.pool.kind == PoolKind::none ? 1 : layer_.pool.size * layer_.pool.columns();
}

SPIKELENS_WIDE void LayerAdjoint::unfire_again(int64_t steps, float* currents, const float* output_gradient) const {
    const auto of_kind = [&]<SurrogateKind kind>() {
        kernels::with_reset_form(lower_neuron<float>(neurons_.neuron), [&](const auto& neuron) {
            if (window_size() == 1)
                unfire_windows_again<kind, 1, false>(neuron, steps, currents, output_gradient);
            else if (layer_.pool.kind == PoolKind::max)
                unfire_windows_again<kind, 4, true>(neuron, steps, currents, output_gradient);
            else
                unfire_windows_again<kind, 4, false>(neuron, steps, currents, output_gradient);
        });
    };
    switch (neurons_.surrogate.kind) {
        case SurrogateKind::triangle:
            return of_kind.operator()<SurrogateKind::triangle>();
        case SurrogateKind::sigmoid:
            return of_kind.operator()<SurrogateKind::sigmoid>();
        case SurrogateKind::fast_sigmoid:
            return of_kind.operator()<SurrogateKind::fast_sigmoid>();
        case SurrogateKind::atan:
            return of_kind.operator()<SurrogateKind::atan>();
    }
}

/// One window after the other: its membranes through all steps, then what the steps add to its places.
template <SurrogateKind kind, int kPlaces, bool kChooses, class Step>
void LayerAdjoint::unfire_windows_again(const Step& form, int64_t steps, float* currents,
                                        const float* output_gradient) const {
    const Step neuron = form;  // which what is stored cannot overlap
    const std::vector<int64_t> places = places_of(layer_.pool, plan_);
    const std::vector<float> factors = sums_over_time(steps, neurons_.neuron);
    const float inverse = 1.0F / neurons_.neuron.threshold, scale = neurons_.surrogate.scale;
    const float share = kPlaces == 1 ? 1.0F : static_cast<float>(pooled_unit(layer_.pool));
    const int64_t channels = layer_.out_channels, next_step = output_size();
    // Of a window in each step: the potentials at its places, or that of the first that spikes, and which it is.
    constexpr int kKept = kPlaces - int{kChooses} * (kPlaces - 1);
    AlignedVector<float> potentials(steps * kKept * kLanes);
    AlignedVector<int32_t> winners(kChooses ? steps * kLanes : 0);
    const auto take_membranes = [&](const float* at) {
        Floats current[kPlaces], membrane[kPlaces] = {}, potential[kPlaces];
        Ints spiked[kPlaces] = {};
        for (int place = 0; place < kPlaces; ++place) load(at + places[place], current[place]);
        for (int64_t step = 0; step < steps; ++step) {
            float* const to = &potentials[step * kKept * kLanes];
            for (int place = 0; place < kPlaces; ++place) {
                potential[place] = neuron.potential(membrane[place], spiked[place], current[place]);
                spiked[place] = neuron.fires(potential[place]);
                membrane[place] = neuron.after(potential[place], spiked[place]);
                if constexpr (!kChooses) put<false>(potential[place], to + place * kLanes);
            }
            if constexpr (kChooses) {
                Ints winner = {};
                Floats there = potential[0];
                for (int place = kPlaces; place-- > 0;) {
                    winner = spiked[place] ? place - Ints{} : winner;
                    there = spiked[place] ? potential[place] : there;
                }
                put<false>(there, to);
                std::memcpy(&winners[step * kLanes], &winner, sizeof winner);
            }
        }
    };
    const auto slope = [&](const float* at) {
        Floats potential;
        load(at, potential);
        return slope_of<kind>(scale, potential * inverse - 1.0F) * inverse;
    };
    const auto add_up = [&](const float* gradient, int64_t channel, float* at) {
        Floats sum[kPlaces] = {};
        for (int64_t step = 0; step < steps; ++step, gradient += next_step) {
            const Floats passed = factors[step] * load_channels(gradient, channel, channels);
            const float* const kept = &potentials[step * kKept * kLanes];
            if constexpr (kChooses) {
                Ints winner;
                std::memcpy(&winner, &winners[step * kLanes], sizeof winner);
                const Floats added = slope(kept) * passed;
                for (int place = 0; place < kPlaces; ++place) sum[place] += winner == place ? added : Floats{};
            } else {
                for (int place = 0; place < kPlaces; ++place)
                    sum[place] += slope(kept + place * kLanes) * (share * passed);
            }
        }
        for (int place = 0; place < kPlaces; ++place) put<false>(sum[place], at + places[place]);
    };
    for (int64_t row = 0; row < layer_.pooled_height; ++row)
        for (int64_t column = 0; column < layer_.pooled_width; ++column, output_gradient += channels) {
            const int64_t first = row * layer_.pool.stride * plan_.out_width + column * layer_.pool.stride_columns();
            for (int64_t channel = 0; channel < plan_.padded(); channel += kLanes) {
                float* const at = currents + first * plan_.padded() + channel;
                take_membranes(at);
                add_up(output_gradient, channel, at);
            }
        }
}

}  // namespace spikelens

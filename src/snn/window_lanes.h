#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "spikelens/snn/network.h"

#include "kernels/layer_plan.h"
#include "lower.h"
#include "pool_windows.h"
#include "surrogate_function.h"

// What the adjoints of pools and neurons share: each compiles it for its own vectors (wide.h).
namespace spikelens {
namespace {

// Channels at once; what is padded is a multiple of their number.
using Floats = float __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));
inline constexpr int kLanes = 8;

/// A window of a pool, as the offsets of its places from the first.
inline void places_of(PoolSide rows, PoolSide columns, const kernels::LayerPlan& plan, std::vector<int64_t>& places) {
    places.clear();
    for (int64_t row = 0; row < rows.end - rows.first; ++row)
        for (int64_t column = 0; column < columns.end - columns.first; ++column)
            places.push_back((row * plan.out_width + column) * plan.padded());
}

inline std::vector<int64_t> places_of(const Pool& pool, const kernels::LayerPlan& plan) {
    std::vector<int64_t> places;
    places_of({0, pool.size}, {0, pool.columns()}, plan, places);
    return places;
}

inline void load(const float* from, Floats& to) { std::memcpy(&to, from, sizeof to); }

/// Of the channels from this one on; 0 where there are none.
inline Floats load_channels(const float* from, int64_t channel, int64_t channels) {
    Floats values = {};
    if (channels - channel >= kLanes)
        load(from + channel, values);
    else if (channels > channel)
        std::memcpy(&values, from + channel, sizeof(float) * (channels - channel));
    return values;
}

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

/// The surrogate's derivative.
template <SurrogateKind kind>
Floats slope_of(float scale, const Floats& v) {
    if constexpr (kind != SurrogateKind::sigmoid) {
        return derivative_of<kind>(scale, v);
    } else {
        Floats slope;
        for (int lane = 0; lane < kLanes; ++lane) slope[lane] = derivative_of<kind>(scale, v[lane]);
        return slope;
    }
}

/// How often what each step adds to the gradient of its current is in the sum over all steps: as often as the membrane
/// and the synapse carry it back, Σ_{n ≤ t} Σ_{m ≤ n} α^m · β^(n−m), times the current's scale.
inline std::vector<float> sums_over_time(int64_t steps, const Neuron& neuron) {
    std::vector<float> sums;
    double synapse = input_scale<double>(neuron), membrane = 0, sum = 0;
    for (int64_t step = 0; step < steps; ++step) {
        membrane = static_cast<double>(neuron.beta) * membrane + synapse;
        synapse *= static_cast<double>(neuron.alpha);
        sum += membrane;
        sums.push_back(static_cast<float>(sum));
    }
    return sums;
}

}  // namespace
}  // namespace spikelens

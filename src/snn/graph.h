#pragma once

#include <optional>
#include <span>
#include <string>

#include "spikelens/snn/network.h"

namespace spikelens {

/// The largest whole number that a layer sends: sums of weights then fit their integers (kernels/layer_plan.h).
constexpr int64_t kMostWhole = 65535;

/// So many layers a hostile file may have.
constexpr size_t kMostLayers = 10'000;

/// What a layer has before its pool, and what it sends after it; before[i] is what the layer i sends.
Signal signal_before_pool(const Layer& layer, std::span<const Signal> before);
Signal signal_after(const Layer& layer, std::span<const Signal> before);

/// Binary digits of the largest number.
int planes_of(const Signal& signal);

/// What is wrong with a layer that reads what those before it send; empty where nothing is. Its inputs' shapes fit.
std::string signal_fault(const Network& network, size_t index, std::span<const Signal> before);

/// A layer's recurrence as a layer of its own, from all its spikes to its currents one step later: of `one` a
/// convolution of each channel by itself. Nothing where it has none.
std::optional<Layer> recurrence_as_layer(const Layer& layer);

/// Factors and terms of a `norm` at a step, [channel].
struct NormValues {
    const float *factor, *term;
};
NormValues norm_values(const Layer& layer, int64_t step);

/// Why a layer is not one of a chain; empty where it is.
std::string not_of_chain(const Network& network, size_t index);

}  // namespace spikelens

#pragma once

#include <cstdint>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"

namespace spikelens {

/// Spikes as numbers, same shape.
FloatArray spike_values(const Array<uint8_t>& spikes);

/// What a network of this many steps receives, [N, T, C, H, W]: spikes as numbers, images repeated over the steps.
FloatArray as_sequence(const Input& input, int steps);

/// [N, T, C, H, W] → [N, C, H, W], added in double.
FloatArray sum_over_time(const FloatArray& sequence);

}  // namespace spikelens

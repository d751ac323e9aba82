#pragma once

#include <cstdint>
#include <span>

#include "spikelens/core/samples.h"

namespace spikelens {

/// A copy of the input under noise, addressed by (seed, sample, copy, place): images x + σ·(max − min of the
/// channel)·N(0, 1); of spikes a place loses its own with probability σ.
Input noisy_copy(const Input& input, std::span<const int64_t> samples, int64_t copy, double sigma, uint64_t seed);

}  // namespace spikelens

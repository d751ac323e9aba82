#pragma once

#include <cstdint>
#include <span>

namespace spikelens {

/// Intersection over union of the best pixels of two maps, in [0, 1]: the first max(1, round(share · pixels)) of each
/// map's ranking() (perturbation.h). Both rankings break ties in the same order addressed by (seed, sample), so that
/// equal maps give 1 and one map's ties do not count as disagreement. Throws InputError for maps of different or no
/// size, NaN, and a share outside (0, 1].
double top_overlap(std::span<const float> a, std::span<const float> b, double share, uint64_t seed, int64_t sample);

}  // namespace spikelens

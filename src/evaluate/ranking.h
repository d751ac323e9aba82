#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spikelens {

/// These places of a map without NaN, best first. Ties in an order addressed by (seed, sample, place), whatever the
/// other places.
std::vector<int64_t> rank_places(std::span<const float> map, std::span<const int64_t> places, uint64_t seed,
                                 int64_t sample);

}  // namespace spikelens

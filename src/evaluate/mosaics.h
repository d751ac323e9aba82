#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spikelens/evaluate/metric.h"

namespace spikelens {

/// Where a pixel lies.
enum class Place : uint8_t { outside, inside, left_out };

/// Four samples beside each other, each at half its size, two of them of the class explained: maps of the whole, and
/// which pixels are of the two. What is left in the middle is left out.
struct ExplainedMosaics {
    FloatArray maps;  ///< [N, H, W], as they are ranked
    std::vector<std::vector<Place>> places;
};

/// One mosaic for each sample, with another of its class and two others, drawn by the seed and explained for its true
/// class. Throws InputError, naming `who` asks, where context.data is not there, for samples of one class, and those
/// with fewer than two rows or columns.
ExplainedMosaics explain_mosaics(const MetricContext& context, const ExplainedSamples& explained,
                                 const std::string& who, uint64_t seed);

/// Share of the positive values that lies inside, of those not left out; 0.5 where there is none.
double share_inside(std::span<const float> map, std::span<const Place> places);

}  // namespace spikelens

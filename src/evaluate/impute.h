#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spikelens {

/// Fills pixels of a plane [height, width] from those that stay: each removed pixel becomes the weighted mean of its up
/// to 8 neighbours (1/6 direct, 1/12 diagonal, renormalised at the border), all of them at once: the solution of one
/// linear system (ROAD: Rong et al., ICML 2022, Sec. 4.2). `removed` holds 1 for what is filled; where nothing stays,
/// the plane becomes 0. Cost: conjugate gradients, about as many rounds as the hole is wide.
void impute(std::span<float> plane, int64_t height, int64_t width, std::span<const uint8_t> removed);

}  // namespace spikelens

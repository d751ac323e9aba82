#pragma once

#include <cstdint>
#include <span>

#include "spikelens/core/array.h"

namespace spikelens {

/// Bilinear resize of the last two axes of [..., h, w] with pixel-centre convention (align_corners = false, no
/// antialiasing), clamped at the border; float32, fixed order of operations.
FloatArray resize_bilinear(const FloatArray& maps, int64_t height, int64_t width);

}  // namespace spikelens

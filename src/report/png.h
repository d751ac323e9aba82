#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/array.h"

#include "colours.h"

namespace spikelens::report {

/// 8-bit PNG of an image [C, H, W] or [H, W] in [0, 1] (clamped): grey for one channel, RGB for three; two are
/// polarities, off in blue and on in orange on white; the mean of the channels as grey for any other number. Not finite
/// values are black.
std::string png(const FloatArray& image);

/// 8-bit PNG of palette entries, row by row.
std::string png(std::span<const uint8_t> entries, int64_t height, int64_t width, const Palette& palette);

/// A drawing [3, H, W] in at most 256 colours, a third of the bytes: exact to 6 bits a channel when it has no more;
/// else the most frequent ones and those least like them, and for any other the nearest of these. Throws InputError for
/// another shape.
std::string drawing_png(const FloatArray& drawing);

/// For <img src>.
std::string data_uri(const std::string& png_bytes);

/// The image with its longer side at most `side` pixels: whole blocks averaged.
FloatArray shrink(const FloatArray& image, int64_t side);

/// Item `index` of [N, C, H, W].
FloatArray item(const FloatArray& images, int64_t index);

}  // namespace spikelens::report

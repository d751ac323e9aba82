#pragma once

#include <filesystem>
#include <span>

#include "spikelens/core/array.h"

namespace spikelens {

/// PNG, decoded and encoded by OpenCV. Images are [C, H, W] in [0, 1], C 1 or 3 (RGB).
void write_png(const std::filesystem::path& path, const FloatArray& image);

/// A PNG, JPEG, uncompressed BMP, or binary PGM or PPM picture (8 or 16 bits), as [C, H, W] in [0, 1]: grey (0.299 R + 0.587 G
/// + 0.114 B) when channels is 1, RGB when 3; transparency is dropped. When the size differs it is resized to height × width:
/// area when it shrinks, bilinear when it grows. Throws InputError for a missing or broken file, another format, and more than
/// 64 Mpixel, before decoding them.
FloatArray read_picture(const std::filesystem::path& path, int64_t channels, int64_t height, int64_t width);

/// Colours for a map [H, W], as [3, H, W]. heat: min–max to [0, 1], sequential (magma). diverging: zero is white, blue below,
/// red above, the range symmetric. jet: min–max, for SVEBI's overlay only. All-zero maps are uniform. Throws InputError for
/// values that are not finite.
enum class Colours { heat, diverging, jet };
FloatArray colour_map(const FloatArray& map, Colours colours);

/// SVEBI's overlay: JET of the min–max normalised map, 0.6·heat + 0.4·image, divided by its maximum. [C, H, W] and [H, W] → [3,
/// H, W].
FloatArray overlay(const FloatArray& image, const FloatArray& map);

/// Enlarges the last two axes by a whole factor, nearest neighbour, so that small images can be looked at.
FloatArray enlarge(const FloatArray& image, int factor);

}  // namespace spikelens

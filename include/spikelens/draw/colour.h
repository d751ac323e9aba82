#pragma once

#include "spikelens/core/array.h"

namespace spikelens {

/// Colours for a map [H, W], as [3, H, W] (palette.h). heat: min–max to the sequential palette, pale to dark.
/// diverging: zero is white, blue below, red above, the range symmetric. jet: min–max, for the overlay of the SVEBI
/// paper only. All-zero maps are uniform. Throws InputError for values that are not finite.
enum class Colours { heat, diverging, jet };
FloatArray colour_map(const FloatArray& map, Colours colours);

/// A map [H, W] over its image [C, H, W], C 1 or 3, as [3, H, W].
///  heat       s·colour + (1 − s)·(1/2 + grey/2), s the min–max normalised value: clear where the map is lowest
///  diverging  the same, s = |value| / largest |value|, the colour blue or red, an end of the palette: clear at zero
///  jet        as in the SVEBI paper: 0.6·JET + 0.4·image, divided by its maximum
FloatArray overlay(const FloatArray& image, const FloatArray& map, Colours colours);

/// An image as a picture that can be drawn: the polarities of a recording [2, H, W], values in [0, 1], become colours
/// on white, the more events the stronger, [3, H, W]. Images of other shapes stay as they are.
FloatArray drawable(const FloatArray& image);

/// Enlarges the last two axes by a whole factor, nearest neighbour, so that small images can be looked at.
FloatArray enlarge(const FloatArray& image, int factor);

}  // namespace spikelens

#pragma once

#include <cstdint>

#include "spikelens/core/array.h"
#include "spikelens/draw/colour.h"

namespace spikelens {

/// A picture [3, height, width] in [0, 1] of a recording [T, C, H, W] on white: left a cloud of points over x, y and t
/// (steps) in an axonometric view, right its sums over t, y and x, and what the colours mean. Every place with spikes
/// is one point, painted far to near.
///  scores empty         points have the colour of their channel. Two channels are polarities (blue: off, orange: on);
///                       up to seven are told apart, more share one colour. signed_values concerns scores alone.
///  scores [T, C, H, W]  points have the colour of their score: diverging around 0 when signed, up to the largest
///                       absolute score; else sequential from min(0, lowest) to max(0, highest), dark for high. Points
///                       are the paler and the smaller, the nearer their score is to the middle or the low end. Colours
///                       follow the square root of the score, so that small ones are seen beside a few large ones;
///                       nothing is clipped. Scores at places without spikes are not looked at. Sums have ranges of
///                       their own.
/// Throws InputError for other shapes, a score that is not finite, and sizes outside 240 … 4096 × 160 … 4096.
FloatArray space_time_picture(const ArrayView<uint8_t>& spikes, const ArrayView<float>& scores, bool signed_values,
                              int width, int height);

/// Maps [N, H, W], one for each window of time, side by side with a gap of 2 grey pixels, in the colours of colour_map
/// with one range for all: [3, factor·H, factor·N·W + 2·(N − 1)]. Throws InputError for another shape, values that are
/// not finite, and a factor below 1.
FloatArray window_strip(const FloatArray& maps, Colours colours, int factor);

}  // namespace spikelens

#pragma once

#include <string_view>
#include <vector>

#include "space_time_canvas.h"

namespace spikelens::space_time {

constexpr double kCapitalHeight = 21;

/// A line of words as the strokes of a pen, in the units of the Hershey fonts' Simplex Roman (assets/rowmans.jhf): it
/// begins at x = 0, and the middle of a capital letter's height is y = 0. Printable ASCII.
std::vector<Segment> letter_strokes(std::string_view words);

}  // namespace spikelens::space_time

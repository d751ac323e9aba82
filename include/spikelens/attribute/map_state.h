#pragma once

#include <span>
#include <string>

#include "spikelens/attribute/method.h"

namespace spikelens {

/// What a map of one sample has to say. Who draws, ranks or lists maps says so of every state but `values`.
enum class MapState {
    values,      ///< places differ by more than rounding
    zero,        ///< every value is 0: the method found nothing
    noise,       ///< no value is above rounding(): nothing but what rounding left
    constant,    ///< not zero, but all values are equal up to rounding: no place is told from another
    not_finite,  ///< a value is infinite or no number
};

/// The largest |value| of a map of this method that means nothing. Class scores are float32, so a number is lost in a
/// score s when it is at most 2⁻²⁴·|s|, half of the distance between floats there. That holds of
///  Unit::score        2⁻²⁴ · the largest |score| of the sample: added to a score, the value would not change it
///  Unit::probability  2⁻²⁴: the same of a probability
///  Unit::own          0: the size of such maps tells nothing
double rounding(const MethodInfo& method, std::span<const float> scores);

/// The state of a map of one sample: its pixel map [H, W], or any part of its attribution. `scores` are the class
/// scores of that sample. Values are equal up to rounding when they are within 2⁻²¹ of the largest |value| of each
/// other: four roundings of float32 on either side. An empty map is zero.
MapState map_state(const MethodInfo& method, std::span<const float> map, std::span<const float> scores);

/// "values", "zero", "noise", "constant", "not finite": the word in documents.
std::string map_state_text(MapState state);

}  // namespace spikelens

#include "spikelens/attribute/map_state.h"

#include <algorithm>
#include <cmath>

namespace spikelens {
namespace {

constexpr double kHalfDistance = 0x1p-24;  ///< between a float32 number and the next, relative to the number
constexpr double kEqualWithin = 0x1p-21;

double largest_size(std::span<const float> values) {
    double largest = 0;
    for (float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
    return largest;
}

}  // namespace

double rounding(const MethodInfo& method, std::span<const float> scores) {
    switch (method.unit) {
        case Unit::score:
            return kHalfDistance * largest_size(scores);
        case Unit::probability:
            return kHalfDistance;
        case Unit::own:
            return 0;
    }
    return 0;
}

MapState map_state(const MethodInfo& method, std::span<const float> map, std::span<const float> scores) {
    if (std::ranges::any_of(map, [](float value) { return !std::isfinite(value); })) return MapState::not_finite;
    const double largest = largest_size(map);
    if (largest == 0) return MapState::zero;
    if (largest <= rounding(method, scores)) return MapState::noise;
    const auto [low, high] = std::ranges::minmax(map);
    return static_cast<double>(high) - low <= kEqualWithin * largest ? MapState::constant : MapState::values;
}

std::string map_state_text(MapState state) {
    switch (state) {
        case MapState::values:
            return "values";
        case MapState::zero:
            return "zero";
        case MapState::noise:
            return "noise";
        case MapState::constant:
            return "constant";
        case MapState::not_finite:
            return "not finite";
    }
    return "";
}

}  // namespace spikelens

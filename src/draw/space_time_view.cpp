#include "space_time_view.h"

#include <algorithm>

namespace spikelens::space_time {
namespace {

// The view's angles: 46.4 degrees about the vertical, 22.6 above the ground, as sides of whole-numbered triangles.
constexpr double turn_cos = 20.0 / 29, turn_sin = 21.0 / 29, rise_cos = 12.0 / 13, rise_sin = 5.0 / 13;
constexpr double shortest = 1, longest = 4;  // of the time axis, in sides of the sensor

/// The length of the time axis with which the box is as wide for its height as the area.
double time_length(double width, double height, const Area& area) {
    const double ratio = area.width / area.height;
    const double tall = rise_cos * height + rise_sin * turn_sin * width;
    const double grows = turn_sin - ratio * rise_sin * turn_cos;  // width gained a unit of length, less what its height takes
    if (grows <= 0) return longest;
    return std::clamp((ratio * tall - turn_cos * width) / grows, shortest, longest);
}

}  // namespace

View::View(double width, double height, double steps, const Area& area) {
    pixel_ = 1 / std::max(width, height);
    step_ = time_length(width * pixel_, height * pixel_, area) / steps;
    const double left = at({0, 0, 0}).x, right = at({width, 0, steps}).x;
    const double top = at({0, 0, steps}).y, bottom = at({width, height, 0}).y;
    scale_ = std::min(area.width / (right - left), area.height / (bottom - top));
    origin_ = {area.left + (area.width - scale_ * (left + right)) / 2, area.top + (area.height - scale_ * (top + bottom)) / 2};
}

Place View::scaled(const Place& place) const { return {place.x * pixel_, place.y * pixel_, place.t * step_}; }

Point View::at(const Place& place) const {
    const auto [x, y, t] = scaled(place);
    return origin_ + scale_ * Point{turn_cos * x + turn_sin * t, rise_cos * y + rise_sin * (turn_sin * x - turn_cos * t)};
}

double View::depth(const Place& place) const {
    const auto [x, y, t] = scaled(place);
    return rise_cos * (turn_cos * t - turn_sin * x) + rise_sin * y;
}

}  // namespace spikelens::space_time

#include "space_time_view.h"

#include <algorithm>

namespace spikelens::space_time {
namespace {

// The view's angles: 46.4 degrees about the vertical, 22.6 above the ground, as sides of whole-numbered triangles.
constexpr double kTurnCos = 20.0 / 29, kTurnSin = 21.0 / 29, kRiseCos = 12.0 / 13, kRiseSin = 5.0 / 13;
constexpr double kShortest = 1, kLongest = 4;  // of the time axis, in sides of the sensor

/// The length of the time axis with which the box is as wide for its height as the area.
double time_length(double width, double height, const Area& area) {
    const double ratio = area.width / area.height;
    const double tall = kRiseCos * height + kRiseSin * kTurnSin * width;
    const double grows =
        kTurnSin - ratio * kRiseSin * kTurnCos;  // width gained a unit of length, less what its height takes
    if (grows <= 0) return kLongest;
    return std::clamp((ratio * tall - kTurnCos * width) / grows, kShortest, kLongest);
}

}  // namespace

View::View(double width, double height, double steps, const Area& area) {
    pixel_ = 1 / std::max(width, height);
    step_ = time_length(width * pixel_, height * pixel_, area) / steps;
    const double left = at({0, 0, 0}).x, right = at({width, 0, steps}).x;
    const double top = at({0, 0, steps}).y, bottom = at({width, height, 0}).y;
    scale_ = std::min(area.width / (right - left), area.height / (bottom - top));
    origin_ = {area.left + (area.width - scale_ * (left + right)) / 2,
               area.top + (area.height - scale_ * (top + bottom)) / 2};
}

Place View::scaled(const Place& place) const { return {place.x * pixel_, place.y * pixel_, place.t * step_}; }

Point View::at(const Place& place) const {
    const auto [x, y, t] = scaled(place);
    return origin_ +
           scale_ * Point{kTurnCos * x + kTurnSin * t, kRiseCos * y + kRiseSin * (kTurnSin * x - kTurnCos * t)};
}

double View::depth(const Place& place) const {
    const auto [x, y, t] = scaled(place);
    return kRiseCos * (kTurnCos * t - kTurnSin * x) + kRiseSin * y;
}

}  // namespace spikelens::space_time

#include <cmath>

#include <fmt/format.h>

#include "numbers.h"
#include "plot.h"

namespace spikelens::report {
namespace {

double nice_step(double span, int wanted) {
    const double rough = span / wanted, power = std::pow(10, std::floor(std::log10(rough)));
    for (double factor : {1.0, 2.0, 5.0})
        if (rough <= factor * power * 1.0000001) return factor * power;
    return 10 * power;
}

}  // namespace

std::vector<double> nice_ticks(double low, double high, int wanted) {
    std::vector<double> ticks;
    if (!std::isfinite(low) || !std::isfinite(high) || !(low < high) || wanted < 1) return ticks;
    const double step = nice_step(high - low, wanted);
    const double slack = step * 1e-9;
    for (double k = std::ceil((low - slack) / step); k * step <= high + slack; ++k)
        ticks.push_back(k == 0 ? 0 : k * step);
    return ticks;
}

std::vector<double> log_ticks(double low, double high) {
    std::vector<double> ticks;
    if (!(low > 0) || !(low < high) || !std::isfinite(high)) return ticks;
    const double first = std::floor(std::log10(low)), last = std::ceil(std::log10(high));
    const bool few = last - first <= 4;
    for (double power = first; power <= last; ++power)
        for (double factor : {1.0, 2.0, 5.0}) {
            const double tick = factor * std::pow(10, power);
            if ((factor == 1 || few) && tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push_back(tick);
        }
    return ticks;
}

std::vector<double> Axis::ticks() const {
    std::vector<double> all = log ? log_ticks(low, high) : nice_ticks(low, high);
    if (whole) std::erase_if(all, [](double tick) { return std::abs(tick - std::round(tick)) > 1e-9; });
    return all;
}

std::string Axis::tick_label(double value) const {
    return percent ? compact(std::round(value * 1e6) / 1e4) + " %" : compact(value);
}

Scale::Scale(const Axis& axis, double first_pixel, double last_pixel)
    : log_(axis.log),
      low_(log_ ? std::log(axis.low) : axis.low),
      span_((log_ ? std::log(axis.high) : axis.high) - low_),
      first_(first_pixel),
      length_(last_pixel - first_pixel) {}

double Scale::operator()(double value) const {
    const double at = log_ ? std::log(value) : value;
    return span_ != 0 ? first_ + (at - low_) / span_ * length_ : first_ + length_ / 2;
}

}  // namespace spikelens::report

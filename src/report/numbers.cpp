#include "numbers.h"

#include <cmath>

#include <fmt/format.h>

namespace spikelens::report {
namespace {

constexpr std::string_view kMissing = "—";

std::string with_minus(std::string text) {
    if (!text.empty() && text[0] == '-') text = "−" + text.substr(1);
    return text;
}

}  // namespace

std::string decimal(double value, int digits) {
    if (!std::isfinite(value)) return std::string(kMissing);
    std::string text = fmt::format("{:.{}f}", value, digits);
    if (std::stod(text) == 0 && text[0] == '-') text.erase(0, 1);
    return with_minus(std::move(text));
}

std::string compact(double value) {
    return std::isfinite(value) ? with_minus(fmt::format("{:.4g}", value)) : std::string(kMissing);
}

std::string brief(double value) {
    return std::isfinite(value) ? with_minus(fmt::format("{:.2g}", value)) : std::string(kMissing);
}

std::string scientific(double value) {
    if (!std::isfinite(value)) return std::string(kMissing);
    return value == 0 ? "0" : fmt::format("{:.0e}", value);
}

std::string percent(double share, int digits) {
    return std::isfinite(share) ? decimal(100 * share, digits) + "\u00a0%" : std::string(kMissing);
}

std::string points(double share, int digits) {
    return std::isfinite(share) ? decimal(100 * share, digits) + " points" : std::string(kMissing);
}

std::string count(int64_t value) {
    std::string digits = std::to_string(value < 0 ? -value : value);
    for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<size_t>(at), ",");
    return value < 0 ? "−" + digits : digits;
}

std::string seconds(double value) {
    if (!std::isfinite(value)) return std::string(kMissing);
    if (value < 1e-3) return fmt::format("{:.3g} µs", value * 1e6);
    if (value < 1) return fmt::format("{:.3g} ms", value * 1e3);
    if (value < 120) return fmt::format("{:.3g} s", value);
    const auto whole = static_cast<int64_t>(std::lround(value));
    return fmt::format("{} min {} s", whole / 60, whole % 60);
}

std::string interval(double low, double high, int digits) {
    if (!std::isfinite(low) || !std::isfinite(high)) return {};
    return "[" + decimal(low, digits) + ", " + decimal(high, digits) + "]";
}

std::string percent_interval(double low, double high) {
    if (!std::isfinite(low) || !std::isfinite(high)) return {};
    return decimal(100 * low, 1) + "–" + decimal(100 * high, 1) + "\u00a0%";
}

std::string plural(int64_t number, std::string_view noun) {
    return count(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace spikelens::report

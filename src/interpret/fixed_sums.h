#pragma once

#include <cstdint>

#include "spikelens/interpret/responses.h"

namespace spikelens {

/// Samples whose sums certainly fit: no response is above 1, so that a sum is below 2^34 and `high` below 2^62.
constexpr int64_t kMostSamples = int64_t{1} << 34;

constexpr int kHighBits = 28, kLowBits = 62;  ///< a sum is high · 2^-28 + low · 2^-90
constexpr double kHighUnit = 1.0 / (int64_t{1} << kHighBits), kLowUnit = kHighUnit / (int64_t{1} << kLowBits);
constexpr int64_t kLowEnd = int64_t{1} << kLowBits;

/// Adds a value of 0 to 2^34, cut off behind 2^-90. All arithmetic but this cut is exact.
inline void add_fixed(int64_t& high, int64_t& low, double value) {
    const double scaled = value / kHighUnit;
    const auto whole = static_cast<int64_t>(scaled);
    low += static_cast<int64_t>((scaled - static_cast<double>(whole)) * kLowEnd);
    high += whole + (low >> kLowBits);
    low &= kLowEnd - 1;
}

/// The nearest float64, give or take a last bit.
inline double fixed_value(int64_t high, int64_t low) {
    return static_cast<double>(high) * kHighUnit + static_cast<double>(low) * kLowUnit;
}

}  // namespace spikelens

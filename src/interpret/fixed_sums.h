#pragma once

#include <cstdint>

#include "spikelens/interpret/responses.h"

namespace spikelens {

/// Samples whose sums certainly fit: no response is above 1, so that a sum is below 2^34 and `high` below 2^62.
constexpr int64_t most_samples = int64_t{1} << 34;

constexpr int high_bits = 28, low_bits = 62;  ///< a sum is high · 2^-28 + low · 2^-90
constexpr double high_unit = 1.0 / (int64_t{1} << high_bits), low_unit = high_unit / (int64_t{1} << low_bits);
constexpr int64_t low_end = int64_t{1} << low_bits;

/// Adds a value of 0 to 2^34, cut off behind 2^-90. All arithmetic but this cut is exact.
inline void add_fixed(int64_t& high, int64_t& low, double value) {
    const double scaled = value / high_unit;
    const auto whole = static_cast<int64_t>(scaled);
    low += static_cast<int64_t>((scaled - static_cast<double>(whole)) * low_end);
    high += whole + (low >> low_bits);
    low &= low_end - 1;
}

/// The nearest float64, give or take a last bit.
inline double fixed_value(int64_t high, int64_t low) {
    return static_cast<double>(high) * high_unit + static_cast<double>(low) * low_unit;
}

}  // namespace spikelens

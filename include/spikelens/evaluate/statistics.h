#pragma once

#include <cstdint>
#include <span>

namespace spikelens {

/// A mean with its 95 % interval: mean ± t·s/√n (Student's t); none, low = high = NaN, for up to 5 equal values.
struct Estimate {
    double mean = 0;
    double low = 0, high = 0;
    int64_t samples = 0;
};
Estimate estimate_mean(std::span<const double> values);

/// A share k/n with Wilson's 95 % interval, for accuracies.
Estimate estimate_share(int64_t successes, int64_t trials);

/// Mean of a − b over the same samples.
Estimate estimate_difference(std::span<const double> a, std::span<const double> b);

}  // namespace spikelens

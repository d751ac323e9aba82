#include "spikelens/evaluate/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include "spikelens/core/error.h"
#include "spikelens/core/spread.h"

namespace spikelens {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kNormal975 = 1.959963984540054;

// P(|T| ≤ √ν·tan(angle)) for Student's t with ν degrees of freedom: a finite sum for whole ν (Abramowitz &
// Stegun 26.7.3–4).
double central_probability(int64_t freedom, double angle) {
    const double cosine = std::cos(angle);
    const bool odd = freedom % 2 != 0;
    double term = odd ? cosine : 1.0;
    double sum = freedom == 1 ? 0.0 : term;
    for (int64_t k = odd ? 3 : 2; k <= freedom - 2; k += 2) {
        term *= cosine * cosine * static_cast<double>(k - 1) / static_cast<double>(k);
        sum += term;
    }
    return odd ? 2 / std::numbers::pi * (angle + std::sin(angle) * sum) : std::sin(angle) * sum;
}

double exact_t_975(int64_t freedom) {
    double low = 0, high = std::numbers::pi / 2;
    for (int halving = 0; halving < 60; ++halving) {
        const double middle = (low + high) / 2;
        (central_probability(freedom, middle) < 0.95 ? low : high) = middle;
    }
    return std::sqrt(static_cast<double>(freedom)) * std::tan((low + high) / 2);
}

// Cornish–Fisher expansion in 1/ν (Abramowitz & Stegun 26.7.5); beyond 100 degrees of freedom the error is below 1e-9.
double expanded_t_975(int64_t freedom) {
    const double z = kNormal975, s = z * z;
    const double g1 = z * (s + 1) / 4;
    const double g2 = z * ((5 * s + 16) * s + 3) / 96;
    const double g3 = z * (((3 * s + 19) * s + 17) * s - 15) / 384;
    const double g4 = z * ((((79 * s + 776) * s + 1482) * s - 1920) * s - 945) / 92160;
    const double v = 1 / static_cast<double>(freedom);
    return z + v * (g1 + v * (g2 + v * (g3 + v * g4)));
}

double student_t_975(int64_t freedom) { return freedom <= 100 ? exact_t_975(freedom) : expanded_t_975(freedom); }

double mean_of(std::span<const double> values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
}

}  // namespace

Estimate estimate_mean(std::span<const double> values) {
    const auto n = static_cast<int64_t>(values.size());
    if (n == 0) return {kNan, kNan, kNan, 0};
    const double mean = mean_of(values);
    const bool equal = std::ranges::all_of(values, [&](double value) { return value == values[0]; });
    if (equal && n < kFewestEqual) return {mean, kNan, kNan, n};
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double error = std::sqrt(squares / static_cast<double>(n - 1) / static_cast<double>(n));
    const double half_width = student_t_975(n - 1) * error;
    return {mean, mean - half_width, mean + half_width, n};
}

Estimate estimate_share(int64_t successes, int64_t trials) {
    assert(successes >= 0 && successes <= trials);
    if (trials == 0) return {kNan, kNan, kNan, 0};
    const auto n = static_cast<double>(trials);
    const double share = static_cast<double>(successes) / n;
    const double z2 = kNormal975 * kNormal975;
    const double centre = (share + z2 / (2 * n)) / (1 + z2 / n);
    const double half_width = kNormal975 * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n);
    // The bounds are exactly 0 and 1 at the ends, which rounding would miss.
    return {share, successes == 0 ? 0 : centre - half_width, successes == trials ? 1 : centre + half_width, trials};
}

Estimate estimate_difference(std::span<const double> a, std::span<const double> b) {
    if (a.size() != b.size())
        throw InputError("a paired difference needs the same samples on both sides, not " + std::to_string(a.size()) +
                         " and " + std::to_string(b.size()));
    std::vector<double> difference(a.size());
    for (size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
    return estimate_mean(difference);
}

}  // namespace spikelens

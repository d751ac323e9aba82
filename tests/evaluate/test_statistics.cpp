#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {
namespace {

// t such that the interval of these values is mean ± t·s/√n: their s/√n is 1 by construction.
double quantile(int64_t freedom) {
    const int64_t n = freedom + 1;
    const double side = std::sqrt(static_cast<double>(n) * static_cast<double>(n - 1) / 2);
    std::vector<double> values(n, 0.0);
    values[0] = side;
    values[1] = -side;
    const Estimate estimate = estimate_mean(values);
    return (estimate.high - estimate.low) / 2;
}

TEST(Statistics, StudentQuantileAgreesWithTables) {
    const std::vector<std::pair<int64_t, double>> table = {
        {1, 12.7062047364}, {2, 4.3026527297},   {3, 3.1824463053},   {4, 2.7764451052},
        {5, 2.5705818366},  {9, 2.2621571628},   {10, 2.2281388520},  {30, 2.0422724563},
        {99, 1.9842169516}, {100, 1.9839715185}, {120, 1.9799304051}, {1000, 1.9623390808}};
    for (const auto& [freedom, t] : table) EXPECT_NEAR(quantile(freedom), t, 1e-9 * t) << freedom;
}

// Independent of both ways the quantile is computed: the density, integrated by Simpson's rule, holds 95 %.
TEST(Statistics, StudentQuantileHoldsNinetyFivePercent) {
    for (const int64_t freedom : {1, 2, 3, 7, 28, 99, 100, 101, 102, 400, 9999}) {
        const auto v = static_cast<double>(freedom);
        const double scale = std::exp(std::lgamma((v + 1) / 2) - std::lgamma(v / 2)) / std::sqrt(v * std::numbers::pi);
        const auto density = [&](double t) { return scale * std::pow(1 + t * t / v, -(v + 1) / 2); };
        const double end = quantile(freedom);
        constexpr int steps = 2000;
        double sum = density(0) + density(end);
        for (int i = 1; i < steps; ++i) sum += (i % 2 ? 4 : 2) * density(end * i / steps);
        EXPECT_NEAR(2 * sum * end / steps / 3, 0.95, 1e-8) << freedom;
    }
}

TEST(Statistics, MeanByHand) {
    // mean 2, s² = 1, s/√n = 1/√3, t(2) = 4.3026527
    const Estimate estimate = estimate_mean(std::vector<double>{1, 2, 3});
    EXPECT_EQ(estimate.samples, 3);
    EXPECT_DOUBLE_EQ(estimate.mean, 2);
    EXPECT_NEAR(estimate.high, 2 + 4.3026527297 / std::sqrt(3), 1e-9);
    EXPECT_NEAR(estimate.low, 2 - 4.3026527297 / std::sqrt(3), 1e-9);
}

TEST(Statistics, TooFewSamplesHaveNoInterval) {
    const Estimate one = estimate_mean(std::vector<double>{0.25});
    EXPECT_EQ(one.mean, 0.25);
    EXPECT_TRUE(std::isnan(one.low) && std::isnan(one.high));
    const Estimate none = estimate_mean({});
    EXPECT_EQ(none.samples, 0);
    EXPECT_TRUE(std::isnan(none.mean) && std::isnan(none.low) && std::isnan(none.high));
    EXPECT_TRUE(std::isnan(estimate_share(0, 0).mean));
}

TEST(Statistics, FewEqualValuesTellNoSpread) {
    for (const size_t few : {2, 3, 5}) {
        const Estimate estimate = estimate_mean(std::vector<double>(few, 1));
        EXPECT_EQ(estimate.mean, 1);
        EXPECT_TRUE(std::isnan(estimate.low) && std::isnan(estimate.high)) << few << " equal values";
    }
    const Estimate six = estimate_mean(std::vector<double>(6, 1));  // 2 · 2⁻⁶ < .05
    EXPECT_EQ(six.low, 1);
    EXPECT_EQ(six.high, 1);
    const Estimate two = estimate_mean(std::vector<double>{1, 0});
    EXPECT_TRUE(std::isfinite(two.low) && std::isfinite(two.high)) << "values that vary have an interval";
}

TEST(Statistics, EqualValuesHaveAnEmptyInterval) {
    const Estimate estimate = estimate_mean(std::vector<double>(12, 0.5));
    EXPECT_EQ(estimate.low, 0.5);
    EXPECT_EQ(estimate.high, 0.5);
}

TEST(Statistics, WilsonAgreesWithTables) {
    const Estimate eight = estimate_share(8, 10);
    EXPECT_DOUBLE_EQ(eight.mean, 0.8);
    EXPECT_NEAR(eight.low, 0.4901625, 1e-7);
    EXPECT_NEAR(eight.high, 0.9433178, 1e-7);
    const Estimate all = estimate_share(10, 10);
    EXPECT_NEAR(all.low, 0.7224672, 1e-7);
    EXPECT_EQ(all.high, 1);
    EXPECT_EQ(estimate_share(0, 10).low, 0);
}

// By definition: p is inside exactly when |k/n − p| ≤ z·√(p(1 − p)/n).
TEST(Statistics, WilsonBoundsSolveTheScoreEquation) {
    for (const int64_t n : {3, 17, 250})
        for (int64_t k = 1; k < n; k += 2) {
            const Estimate share = estimate_share(k, n);
            for (const double p : {share.low, share.high})
                EXPECT_NEAR(std::abs(share.mean - p),
                            1.959963984540054 * std::sqrt(p * (1 - p) / static_cast<double>(n)), 1e-12);
        }
}

TEST(Statistics, DifferenceIsPaired) {
    // The samples differ widely, the differences do not: only a paired interval is narrow.
    const std::vector<double> a = {0.1, 0.5, 0.9, 0.3}, b = {0.0, 0.41, 0.8, 0.21};
    const Estimate difference = estimate_difference(a, b);
    EXPECT_NEAR(difference.mean, 0.095, 1e-12);
    EXPECT_GT(difference.low, 0.08);
    EXPECT_LT(difference.high, 0.11);
    EXPECT_THROW(estimate_difference(a, std::vector<double>(3)), InputError);
}

TEST(Statistics, IntervalCoversTheMeanNinetyFiveTimesInAHundred) {
    constexpr int repeats = 4000, n = 6;
    int covered = 0;
    for (uint64_t r = 0; r < repeats; ++r) {
        std::vector<double> values;
        for (uint64_t i = 0; i < n; ++i) values.push_back(3 + 2 * random_normal(5, Stream::test, {r, i}));
        const Estimate estimate = estimate_mean(values);
        covered += estimate.low <= 3 && 3 <= estimate.high;
    }
    EXPECT_NEAR(covered / static_cast<double>(repeats), 0.95, 0.012);  // 3.5 standard errors; the seed is fixed
}

}  // namespace
}  // namespace spikelens

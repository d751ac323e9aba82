#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "attribute/cholesky.h"
#include "attribute/ridge.h"
#include "linear_algebra.h"

namespace spikelens {
namespace {

double uniform(uint64_t a, uint64_t b) { return random_uniform(3, Stream::test, {a, b}); }

/// MᵀM + n·1 of a random M: symmetric positive definite.
DoubleArray positive_definite(int64_t n) {
    DoubleArray m({n, n}), a({n, n});
    for (int64_t i = 0; i < m.size(); ++i) m.data[i] = uniform(n, i) - 0.5;
    for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j) {
            for (int64_t k = 0; k < n; ++k) a.row(i)[j] += m.row(k)[i] * m.row(k)[j];
            if (i == j) a.row(i)[j] += 1;
        }
    return a;
}

TEST(Cholesky, SolvesBelowOnAndAboveItsBlocks) {
    for (int64_t n : {1, 2, 7, 63, 64, 65, 130, 193}) {
        const DoubleArray a = positive_definite(n);
        std::vector<double> truth(n), right(n);
        for (int64_t i = 0; i < n; ++i) truth[i] = uniform(1000 + n, i) - 0.5;
        for (int64_t i = 0; i < n; ++i)
            for (int64_t j = 0; j < n; ++j) right[i] += a.row(i)[j] * truth[j];
        Cholesky(a).solve(right);
        for (int64_t i = 0; i < n; ++i) EXPECT_NEAR(right[i], truth[i], 1e-9) << "n = " << n << ", " << i;
    }
}

TEST(Cholesky, ReadsTheLowerTriangleAlone) {
    DoubleArray a = positive_definite(80);
    std::vector<double> first(80, 1), second(80, 1);
    Cholesky(a).solve(first);
    for (int64_t i = 0; i < 80; ++i)
        for (int64_t j = i + 1; j < 80; ++j) a.row(i)[j] = std::nan("");
    Cholesky(a).solve(second);
    EXPECT_EQ(first, second);
}

/// All 2^s settings with equal weights: features are orthogonal after centring, Σ(z − z̄)² = 2^s/4, so b = β·g/(g + λ).
TEST(WeightedRidge, ShrinksALinearFunctionByItsClosedForm) {
    const int features = 5, count = 1 << features;
    const std::vector<double> beta{2, -1, 0.5, 0, 7};
    Array<uint8_t> on({count, features});
    std::vector<double> y(count, 3.0);
    for (int k = 0; k < count; ++k)
        for (int f = 0; f < features; ++f) {
            on.row(k)[f] = static_cast<uint8_t>((k >> f) & 1);
            y[k] += beta[f] * on.row(k)[f];
        }
    const double weight = 0.5, gram = weight * count / 4;
    for (double penalty : {1e-9, 1.0, 40.0}) {
        const std::vector<double> b = weighted_ridge(on, y, std::vector<double>(count, weight), penalty);
        for (int f = 0; f < features; ++f) EXPECT_NEAR(b[f], beta[f] * gram / (gram + penalty), 1e-8);
    }
}

TEST(WeightedRidge, EqualsTheSystemWithTheInterceptInIt) {
    for (const auto& [count, features] : {std::pair{40, 6}, {5, 9}, {200, 70}}) {
        Array<uint8_t> on({count, features});
        std::vector<double> y, weight;
        std::vector<std::vector<double>> rows;
        for (int k = 0; k < count; ++k) {
            for (int f = 0; f < features; ++f) on.row(k)[f] = uniform(k, 10 + f) < 0.5 ? 1 : 0;
            rows.emplace_back(on.row(k).begin(), on.row(k).end());
            y.push_back(uniform(k, 1));
            weight.push_back(0.01 + uniform(k, 2));
        }
        const std::vector<double> expected = test::ridge_with_intercept(rows, y, weight, 1);
        const std::vector<double> b = weighted_ridge(on, y, weight, 1);
        for (int f = 0; f < features; ++f) EXPECT_NEAR(b[f], expected[f + 1], 1e-9);
    }
}

}  // namespace
}  // namespace spikelens

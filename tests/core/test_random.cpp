#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"

namespace spikelens {
namespace {

/// Chi-square of counts against equal expectation.
double chi_square(std::span<const int64_t> counts, double expected) {
    double sum = 0;
    for (int64_t count : counts)
        sum += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected) / expected;
    return sum;
}

/// Upper bound of chi-square that a fair draw exceeds about once in a million (normal approximation, five sigma).
double far_tail(double freedom) { return freedom + 5 * std::sqrt(2 * freedom); }

TEST(RandomBits, AreTheSameAtTheSameAddressWhateverWasDrawnBefore) {
    const uint64_t first = random_bits(7, Stream::test, {3, 4});
    for (uint64_t i = 0; i < 10; ++i) random_bits(7, Stream::test, {i});
    EXPECT_EQ(random_bits(7, Stream::test, {3, 4}), first);
}

TEST(RandomBits, DifferInEveryPartOfTheAddress) {
    std::set<uint64_t> seen;
    size_t drawn = 0;
    for (uint64_t seed : {0, 1, 2})
        for (Stream stream : {Stream::initial_weights, Stream::coding, Stream::test})
            for (uint64_t a = 0; a < 20; ++a) {
                seen.insert(random_bits(seed, stream, {a}));
                ++drawn;
                for (uint64_t b = 0; b < 20; ++b, ++drawn) seen.insert(random_bits(seed, stream, {a, b}));
            }
    EXPECT_EQ(seen.size(), drawn);
}

TEST(RandomBits, FlipHalfOfTheirBitsWhenOneBitOfTheAddressFlips) {
    for (int bit = 0; bit < 64; ++bit) {
        int64_t flipped = 0;
        for (uint64_t a = 0; a < 256; ++a)
            flipped += std::popcount(random_bits(1, Stream::test, {a}) ^
                                     random_bits(1, Stream::test, {a ^ (uint64_t{1} << bit)}));
        // 256 · 64 fair bits: mean 8192, standard deviation 64.
        EXPECT_NEAR(static_cast<double>(flipped), 8192, 5 * 64 * std::sqrt(2)) << bit;
    }
}

TEST(RandomUniform, FillsTheUnitIntervalEvenly) {
    std::array<int64_t, 100> counts{};
    const int64_t draws = 100000;
    for (uint64_t i = 0; i < draws; ++i) {
        const double u = random_uniform(3, Stream::test, {i});
        ASSERT_GE(u, 0.0);
        ASSERT_LT(u, 1.0);
        ++counts[static_cast<size_t>(u * 100)];
    }
    EXPECT_LT(chi_square(counts, draws / 100.0), far_tail(99));
}

TEST(RandomUniform, OfNeighbouringAddressesAreIndependent) {
    std::array<int64_t, 100> counts{};
    const int64_t draws = 100000;
    for (uint64_t i = 0; i < draws; ++i) {
        const auto row = static_cast<size_t>(random_uniform(3, Stream::test, {i, 0}) * 10);
        const auto column = static_cast<size_t>(random_uniform(3, Stream::test, {i, 1}) * 10);
        ++counts[row * 10 + column];
    }
    EXPECT_LT(chi_square(counts, draws / 100.0), far_tail(99));
}

TEST(RandomNormal, HasTheNormalMomentsAndTails) {
    const int64_t draws = 200000;
    double sum = 0, squares = 0, cubes = 0;
    int64_t beyond_two = 0;
    for (uint64_t i = 0; i < draws; ++i) {
        const double z = random_normal(11, Stream::test, {i});
        ASSERT_TRUE(std::isfinite(z));
        sum += z;
        squares += z * z;
        cubes += z * z * z;
        beyond_two += std::abs(z) > 2;
    }
    const double n = draws;
    EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
    EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
    EXPECT_NEAR(cubes / n, 0, 5 * std::sqrt(15 / n));
    const double outside = std::erfc(std::sqrt(2.0));
    EXPECT_NEAR(static_cast<double>(beyond_two) / n, outside, 5 * std::sqrt(outside / n));
}

TEST(RandomPermutation, HoldsEveryIndexOnce) {
    for (int64_t n : {0, 1, 2, 3, 17, 1000}) {
        std::vector<int64_t> order = random_permutation(n, 5, Stream::epoch_order, {2});
        std::vector<int64_t> all(static_cast<size_t>(n));
        std::iota(all.begin(), all.end(), int64_t{0});
        std::ranges::sort(order);
        EXPECT_EQ(order, all);
    }
}

TEST(RandomPermutation, TakesEachOrderEquallyOften) {
    std::array<int64_t, 24> counts{};
    const int64_t draws = 24000;
    for (uint64_t i = 0; i < draws; ++i) {
        const std::vector<int64_t> p = random_permutation(4, 1, Stream::test, {i});
        // The order's number: how many later entries are smaller, as digits of the factorial base.
        const auto smaller_after = [&](size_t at) {
            return std::count_if(p.begin() + at, p.end(), [&](int64_t v) { return v < p[at]; });
        };
        ++counts[static_cast<size_t>(6 * smaller_after(0) + 2 * smaller_after(1) + smaller_after(2))];
    }
    EXPECT_LT(chi_square(counts, draws / 24.0), far_tail(23));
}

TEST(RandomPermutation, IsTheSameAtTheSameAddressOnly) {
    const auto order = [](uint64_t seed, uint64_t epoch) {
        return random_permutation(50, seed, Stream::epoch_order, {epoch});
    };
    EXPECT_EQ(order(1, 1), order(1, 1));
    EXPECT_NE(order(1, 1), order(1, 2));
    EXPECT_NE(order(1, 1), order(2, 1));
}

}  // namespace
}  // namespace spikelens

#include <gtest/gtest.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/core/error.h"
#include "spikelens/core/random.h"

namespace spikelens {
namespace {

TEST(Completeness, OfTimedAttributionsByHand) {
    // [N = 2, T = 2, C = 1, H = 1, W = 2]
    const FloatArray attribution({2, 2, 1, 1, 2}, {1, 2, 0.5F, -0.25F, 10, 20, 40, -80});
    const FloatArray scores({2, 2}, {0, 4, -12, 0}), baseline({2, 2}, {0, 1, 0, 0});
    const std::vector<int> targets{1, 0};
    const auto result = completeness(attribution, scores, baseline, targets);
    ASSERT_EQ(result.size(), 2U);
    EXPECT_DOUBLE_EQ(result[0].attributed, 3.25);
    EXPECT_DOUBLE_EQ(result[0].difference, 3);
    EXPECT_DOUBLE_EQ(result[0].gap, 0.25);
    EXPECT_DOUBLE_EQ(result[1].attributed, -10);
    EXPECT_DOUBLE_EQ(result[1].gap, 2);
}

// Whole numbers: no order of summation rounds.
TEST(Completeness, OfTimedAttributionsIsThatOfTheirSumOverTime) {
    const Shape shape{3, 4, 2, 3, 5};
    FloatArray timed(shape), summed({3, 2, 3, 5});
    for (int64_t i = 0; i < timed.size(); ++i) {
        timed.data[i] = static_cast<float>(random_bits(1, Stream::test, {static_cast<uint64_t>(i)}) % 201) - 100;
        summed.row(i / 120)[i % 30] += timed.data[i];
    }
    const FloatArray scores({3, 2}, {1, 2, 3, 4, 5, 6}), baseline({3, 2});
    const std::vector<int> targets{1, 0, 1};
    const auto a = completeness(timed, scores, baseline, targets), b = completeness(summed, scores, baseline, targets);
    for (size_t n = 0; n < 3; ++n) {
        EXPECT_EQ(a[n].attributed, b[n].attributed);
        EXPECT_EQ(a[n].difference, b[n].difference);
        EXPECT_EQ(a[n].gap, b[n].gap);
    }
}

TEST(Completeness, RefusesOtherShapes) {
    const FloatArray scores({2, 3}), fewer({1, 3});
    const std::vector<int> targets{0, 2}, outside{0, 3};
    EXPECT_NO_THROW(completeness(FloatArray({2, 5, 1, 1, 1}), scores, scores, targets));
    EXPECT_THROW(completeness(FloatArray({5, 2, 1, 1, 1}), scores, scores, targets), InputError);
    EXPECT_THROW(completeness(FloatArray({2, 1, 1}), scores, scores, targets), InputError);
    EXPECT_THROW(completeness(FloatArray({2, 1, 5, 1, 1, 1}), scores, scores, targets), InputError);
    EXPECT_THROW(completeness(FloatArray({2, 5, 1, 1, 1}), scores, fewer, targets), InputError);
    EXPECT_THROW(completeness(FloatArray({2, 5, 1, 1, 1}), scores, scores, outside), InputError);
}

}  // namespace
}  // namespace spikelens

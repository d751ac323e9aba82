#include <limits>
#include <set>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/overlap.h"
#include "spikelens/evaluate/perturbation.h"

namespace spikelens {
namespace {

// Values of few levels: nearly all are tied.
std::vector<float> random_map(int64_t size, uint64_t seed) {
    std::vector<float> map;
    for (uint64_t i = 0; static_cast<int64_t>(i) < size; ++i)
        map.push_back(static_cast<float>(random_bits(seed, Stream::test, {i}) % 3));
    return map;
}

TEST(TopOverlap, ByHand) {
    const std::vector<float> a{5, 4, 3, 2, 1, 0}, b{5, 0, 4, 1, 3, 2};
    EXPECT_EQ(top_overlap(a, b, 1.0 / 6, 1, 0), 1);              // {0} and {0}
    EXPECT_DOUBLE_EQ(top_overlap(a, b, 2.0 / 6, 1, 0), 1. / 3);  // {0, 1} and {0, 2}
    EXPECT_DOUBLE_EQ(top_overlap(a, b, 0.5, 1, 0), 0.5);         // {0, 1, 2} and {0, 2, 4}
    EXPECT_EQ(top_overlap(a, b, 1, 1, 0), 1);
    EXPECT_EQ(top_overlap(a, b, 0.001, 1, 0), 1);  // at least one pixel
    EXPECT_EQ(top_overlap(a, std::vector<float>{0, 1, 2, 3, 4, 5}, 0.5, 1, 0), 0);
}

TEST(TopOverlap, EqualMapsGiveOneWhateverTheirTies) {
    for (uint64_t seed = 0; seed < 20; ++seed)
        for (const double share : {0.01, 0.1, 0.5, 0.99, 1.0}) {
            const std::vector<float> map = random_map(37, seed);
            std::vector<float> scaled = map;
            for (float& value : scaled) value = 2 * value - 1;  // the order is what counts
            EXPECT_EQ(top_overlap(map, map, share, seed, 3), 1);
            EXPECT_EQ(top_overlap(map, scaled, share, seed, 3), 1);
        }
}

TEST(TopOverlap, IsIntersectionOverUnionOfTheRankings) {
    for (uint64_t seed = 0; seed < 20; ++seed)
        for (const int count : {1, 4, 20, 40}) {
            const std::vector<float> a = random_map(40, seed), b = random_map(40, seed + 100);
            const auto best = [&](const std::vector<float>& map) {
                const std::vector<int64_t> order = ranking(map, 7, 5);
                return std::set<int64_t>(order.begin(), order.begin() + count);
            };
            std::set<int64_t> both = best(a);
            both.merge(best(b));
            const auto all = static_cast<double>(both.size());
            EXPECT_DOUBLE_EQ(top_overlap(a, b, count / 40.0, 7, 5), (2 * count - all) / all);
            EXPECT_EQ(top_overlap(a, b, count / 40.0, 7, 5), top_overlap(b, a, count / 40.0, 7, 5));
        }
}

TEST(TopOverlap, BadInputGetsASentence) {
    const std::vector<float> map{1, 2}, longer{1, 2, 3}, empty, nan{1, std::numeric_limits<float>::quiet_NaN()};
    EXPECT_THROW(top_overlap(map, longer, 0.5, 1, 0), InputError);
    EXPECT_THROW(top_overlap(empty, empty, 0.5, 1, 0), InputError);
    EXPECT_THROW(top_overlap(map, nan, 0.5, 1, 0), InputError);
    for (const double share : {0.0, -0.1, 1.01, std::numeric_limits<double>::quiet_NaN()})
        EXPECT_THROW(top_overlap(map, map, share, 1, 0), InputError);
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/core/resize.h"

namespace spikelens {
namespace {

FloatArray random_maps(Shape shape, uint64_t seed) {
    FloatArray maps(std::move(shape));
    for (size_t i = 0; i < maps.data.size(); ++i)
        maps.data[i] = static_cast<float>(2 * random_uniform(seed, Stream::test, {i}) - 1);
    return maps;
}

/// The definition in double: a tent of width one source pixel over all clamped neighbours.
double reference(std::span<const float> map, int64_t h, int64_t w, int64_t height, int64_t width, int64_t i,
                 int64_t j) {
    const double y = std::max(0.0, (i + 0.5) * h / height - 0.5), x = std::max(0.0, (j + 0.5) * w / width - 0.5);
    double sum = 0;
    for (int64_t p = 0; p <= h; ++p)
        for (int64_t q = 0; q <= w; ++q) {
            const double weight = std::max(0.0, 1 - std::abs(y - p)) * std::max(0.0, 1 - std::abs(x - q));
            sum += weight * map[std::min(p, h - 1) * w + std::min(q, w - 1)];
        }
    return sum;
}

TEST(ResizeBilinear, MatchesTheDefinitionUpAndDown) {
    for (int64_t in : {1, 2, 3, 7}) {
        for (int64_t out : {1, 2, 3, 5, 14, 28}) {
            const FloatArray maps = random_maps({2, in, in + 1}, static_cast<uint64_t>(100 * in + out));
            const FloatArray resized = resize_bilinear(maps, out, out + 2);
            ASSERT_EQ(resized.shape, (Shape{2, out, out + 2}));
            for (int64_t n = 0; n < 2; ++n)
                for (int64_t i = 0; i < out; ++i)
                    for (int64_t j = 0; j < out + 2; ++j)
                        ASSERT_NEAR(resized.row(n)[i * (out + 2) + j],
                                    reference(maps.row(n), in, in + 1, out, out + 2, i, j), 1e-6)
                            << in << " to " << out << " at " << i << ", " << j;
        }
    }
}

TEST(ResizeBilinear, ToTheSameSizeChangesNothing) {
    const FloatArray maps = random_maps({3, 2, 7, 5}, 1);
    EXPECT_EQ(resize_bilinear(maps, 7, 5), maps);
}

TEST(ResizeBilinear, KeepsAConstantExactly) {
    for (float value : {0.1F, -3.7F, 1e-30F}) {
        const FloatArray resized = resize_bilinear(FloatArray({1, 7, 7}, value), 28, 31);
        EXPECT_TRUE(std::ranges::all_of(resized.data, [&](float v) { return v == value; }));
    }
}

TEST(ResizeBilinear, DoublesWithQuarterWeights) {
    const FloatArray row({1, 2}, std::vector<float>{0, 4});
    EXPECT_EQ(resize_bilinear(row, 1, 4).data, (std::vector<float>{0, 1, 3, 4}));
    const FloatArray square({2, 2}, std::vector<float>{0, 16, 32, 48});
    const std::vector<float> expected = {0, 4, 12, 16, 8, 12, 20, 24, 24, 28, 36, 40, 32, 36, 44, 48};
    EXPECT_EQ(resize_bilinear(square, 4, 4).data, expected);
}

TEST(ResizeBilinear, HalvesByTheMeanOfTheTwoMiddlePixels) {
    const FloatArray row({1, 4}, std::vector<float>{1, 3, 10, 20});
    EXPECT_EQ(resize_bilinear(row, 1, 2).data, (std::vector<float>{2, 15}));
}

TEST(ResizeBilinear, NeverLeavesTheRangeOfTheMap) {
    const FloatArray maps = random_maps({20, 3, 3}, 5);
    const FloatArray resized = resize_bilinear(maps, 41, 37);
    for (int64_t n = 0; n < 20; ++n) {
        const auto [low, high] = std::ranges::minmax(maps.row(n));
        const auto [lowest, highest] = std::ranges::minmax(resized.row(n));
        EXPECT_GE(lowest, low);
        EXPECT_LE(highest, high);
    }
}

TEST(ResizeBilinear, TreatsEachMapAlone) {
    const FloatArray maps = random_maps({4, 5, 6}, 9);
    const FloatArray together = resize_bilinear(maps, 9, 8);
    for (int64_t n = 0; n < 4; ++n) {
        const auto row = maps.row(n);
        const FloatArray alone = resize_bilinear(FloatArray({5, 6}, std::vector<float>(row.begin(), row.end())), 9, 8);
        EXPECT_TRUE(std::ranges::equal(alone.data, together.row(n)));
    }
}

TEST(ResizeBilinear, RefusesWhatIsNoMap) {
    EXPECT_THROW(resize_bilinear(FloatArray({4}), 2, 2), InputError);
    EXPECT_THROW(resize_bilinear(FloatArray({2, 0, 3}), 2, 2), InputError);
    EXPECT_THROW(resize_bilinear(FloatArray({2, 3}), 0, 2), InputError);
    EXPECT_THROW(resize_bilinear(FloatArray({2, 3}), 2, -1), InputError);
    EXPECT_EQ(resize_bilinear(FloatArray({0, 3, 3}), 2, 2).shape, (Shape{0, 2, 2}));
}

}  // namespace
}  // namespace spikelens

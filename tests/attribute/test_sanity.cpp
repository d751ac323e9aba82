#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "small_network.h"

namespace spikelens {
namespace {

FloatArray map_of(const std::string& method, const FloatArray& images, uint64_t seed = 1) {
    const std::vector<int> targets(images.shape[0], 0);
    const std::vector<int64_t> samples = test::sample_numbers(images.shape[0]);
    return explain(parse_method(method), {.seed = seed}, {images, targets, samples});
}

TEST(Sanity, UniformIsConstant) {
    const FloatArray map = map_of("uniform", test::test_images(2, {3, 4, 5}));
    EXPECT_EQ(map.shape, (Shape{2, 1, 4, 5}));
    for (float value : map.data) EXPECT_EQ(value, map.data[0]);
}

TEST(Sanity, InputIsTheIntensity) {
    const FloatArray image({1, 2, 1, 3}, {1, -2, 0, 0.5F, -0.25F, 0});
    EXPECT_EQ(map_of("input", image), FloatArray({1, 1, 1, 3}, {1.5F, 2.25F, 0}));
}

TEST(Sanity, SobelByHand) {
    // A bright right column, with the border repeated: both columns beside the edge see 4, the first sees nothing.
    const FloatArray columns({1, 1, 3, 3}, {0, 0, 1, 0, 0, 1, 0, 0, 1});
    EXPECT_EQ(map_of("sobel", columns), FloatArray({1, 1, 3, 3}, {0, 4, 4, 0, 4, 4, 0, 4, 4}));
    // One bright pixel in the middle of 3×3: (2, 2) in the corners, 2 across at the sides… corner: right 1, down 1.
    const FloatArray dot({1, 1, 3, 3}, {0, 0, 0, 0, 1, 0, 0, 0, 0});
    const float root = std::sqrt(2.0F);
    EXPECT_EQ(map_of("sobel", dot), FloatArray({1, 1, 3, 3}, {root, 2, root, 2, 0, 2, root, 2, root}));
    // Channels are averaged: the same edge in one of two channels is half as strong.
    FloatArray half({1, 2, 3, 3});
    std::copy(columns.data.begin(), columns.data.end(), half.data.begin());
    EXPECT_EQ(map_of("sobel", half), FloatArray({1, 1, 3, 3}, {0, 2, 2, 0, 2, 2, 0, 2, 2}));
}

TEST(Sanity, RandomDependsOnSeedSampleAndPixelAlone) {
    const FloatArray images = test::test_images(2, {1, 8, 8}), others = test::test_images(2, {1, 8, 8}, 2);
    const FloatArray map = map_of("random", images);
    EXPECT_EQ(map, map_of("random", others));
    EXPECT_NE(map, map_of("random", images, 2));
    const std::set<float> values(map.data.begin(), map.data.end());
    EXPECT_EQ(values.size(), 128U) << "all values differ, between pixels and samples";
    EXPECT_GE(*values.begin(), 0);
    EXPECT_LT(*values.rbegin(), 1);
}

}  // namespace
}  // namespace spikelens

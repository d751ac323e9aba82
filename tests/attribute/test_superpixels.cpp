#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "attribute/superpixels.h"
#include "small_network.h"

namespace spikelens {
namespace {

/// Every number occurs, and each segment is one connected part.
void expect_partition(const Superpixels& superpixels, int64_t height, int64_t width, const std::string& what) {
    ASSERT_EQ(static_cast<int64_t>(superpixels.segment.size()), height * width) << what;
    const std::set<int> used(superpixels.segment.begin(), superpixels.segment.end());
    EXPECT_EQ(static_cast<int>(used.size()), superpixels.count) << what;
    EXPECT_EQ(*used.begin(), 0) << what;
    EXPECT_EQ(*used.rbegin(), superpixels.count - 1) << what;
    // Numbers spread to equal neighbours until nothing changes; a segment in two parts keeps two numbers.
    std::vector<int64_t> part(height * width);
    std::iota(part.begin(), part.end(), int64_t{0});
    for (bool changed = true; changed;) {
        changed = false;
        for (int64_t p = 0; p < height * width; ++p) {
            for (int64_t q : {p % width ? p - 1 : p, p >= width ? p - width : p}) {
                if (superpixels.segment[p] != superpixels.segment[q] || part[p] == part[q]) continue;
                part[p] = part[q] = std::min(part[p], part[q]);
                changed = true;
            }
        }
    }
    EXPECT_EQ(static_cast<int>(std::set<int64_t>(part.begin(), part.end()).size()), superpixels.count) << what;
}

TEST(Superpixels, GridCellsAreNearlySquareAndAtMostAsMany) {
    for (const auto& [height, width] :
         {std::pair<int64_t, int64_t>{34, 34}, {1, 100}, {100, 1}, {5, 40}, {3, 3}, {28, 31}}) {
        for (int64_t segments : {1, 2, 7, 50, 1000}) {
            const Superpixels grid = grid_superpixels(height, width, segments);
            expect_partition(grid, height, width, std::to_string(height) + "x" + std::to_string(width));
            EXPECT_LE(grid.count, segments);
            EXPECT_GE(2 * grid.count, std::min(segments, height * width)) << height << "x" << width << ", " << segments;
        }
    }
    EXPECT_EQ(grid_superpixels(2, 4, 2).segment, (std::vector<int>{0, 0, 1, 1, 0, 0, 1, 1}));
}

TEST(Superpixels, SlicIsAPartitionIntoConnectedSegments) {
    for (const Shape& shape : {Shape{1, 28, 28}, {3, 20, 33}, {2, 40, 17}}) {
        for (int64_t segments : {1, 10, 50}) {
            for (uint64_t seed : {1, 2}) {  // noise: the worst case for connectedness
                const FloatArray image = test::test_images(1, shape, seed);
                const Superpixels slic = slic_superpixels(image.data, shape, segments);
                expect_partition(slic, shape[1], shape[2], shape_text(shape));
                EXPECT_LE(slic.count, segments);
                EXPECT_EQ(slic.segment, slic_superpixels(image.data, shape, segments).segment);
            }
        }
    }
}

/// A disc and a slanted edge that no grid cell follows.
TEST(Superpixels, SlicFollowsStrongEdges) {
    const int64_t side = 32;
    FloatArray image({1, side, side});
    for (int64_t p = 0; p < side * side; ++p) {
        const double y = static_cast<double>(p / side) - 13, x = static_cast<double>(p % side) - 17;
        image.data[p] = x * x + y * y < 60 ? 1.0F : x + 2 * y > 15 ? 0.5F : 0.0F;
    }
    const Superpixels slic = slic_superpixels(image.data, image.shape, 50);
    std::vector<std::set<float>> values(slic.count);
    for (int64_t p = 0; p < side * side; ++p) values[slic.segment[p]].insert(image.data[p]);
    EXPECT_GT(slic.count, 25);
    int mixed = 0, mixed_in_grid = 0;
    for (const std::set<float>& of : values) mixed += of.size() > 1;
    const Superpixels grid = grid_superpixels(side, side, 50);
    std::vector<std::set<float>> cells(grid.count);
    for (int64_t p = 0; p < side * side; ++p) cells[grid.segment[p]].insert(image.data[p]);
    for (const std::set<float>& of : cells) mixed_in_grid += of.size() > 1;
    EXPECT_GT(mixed_in_grid, 10);
    EXPECT_LE(mixed, mixed_in_grid / 4);
}

TEST(Superpixels, SlicOfAConstantImageAndOfATinyOneIsTheGrid) {
    const FloatArray constant({1, 20, 20}, 0.3F);
    EXPECT_EQ(slic_superpixels(constant.data, constant.shape, 16).segment, grid_superpixels(20, 20, 16).segment);
    const FloatArray tiny = test::test_images(1, {1, 12, 12});
    EXPECT_EQ(slic_superpixels(tiny.data, {1, 12, 12}, 50).segment, grid_superpixels(12, 12, 50).segment);
}

}  // namespace
}  // namespace spikelens

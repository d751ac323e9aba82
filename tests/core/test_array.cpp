#include <numeric>
#include <type_traits>

#include <gtest/gtest.h>

#include "spikelens/core/array.h"

namespace spikelens {
namespace {

FloatArray counting(Shape shape) {
    FloatArray array(std::move(shape));
    std::iota(array.data.begin(), array.data.end(), 0.0F);
    return array;
}

float sum_of(const ArrayView<float>& view) { return std::accumulate(view.data.begin(), view.data.end(), 0.0F); }

TEST(ArrayView, LooksAtTheArrayItself) {
    FloatArray array = counting({2, 3, 2});
    const ArrayView<float> view = array;
    EXPECT_EQ(view.shape, array.shape);
    EXPECT_EQ(view.data.data(), array.data.data());
    EXPECT_EQ(view.size(), 12);
    EXPECT_EQ(view.extent(1), 3);
    EXPECT_EQ(view.row_size(), 6);
    EXPECT_EQ(sum_of(array), 66);  // an array is a view where one is asked for
    array.data[7] = 100;
    EXPECT_EQ(view.row(1)[1], 100);
    EXPECT_TRUE(ArrayView<float>().empty());
}

TEST(ArrayView, OfARowAndOfRowsIsWhereTheyLie) {
    const FloatArray array = counting({4, 2, 3});
    for (int64_t i = 0; i < 4; ++i) {
        const ArrayView<float> one = array.sub(i);
        EXPECT_EQ(one.shape, (Shape{2, 3}));
        EXPECT_EQ(one.data.data(), array.data.data() + 6 * i);
        EXPECT_EQ(one.size(), 6);
        EXPECT_EQ(one.sub(1).shape, Shape{3});
        EXPECT_EQ(one.sub(1).data[2], 6.0F * static_cast<float>(i) + 5);
        EXPECT_EQ(one.sub(1).sub(2).shape, Shape{});
    }
    for (int64_t first = 0; first <= 4; ++first)
        for (int64_t count = 0; first + count <= 4; ++count) {
            const ArrayView<float> some = array.rows(first, count);
            EXPECT_EQ(some.shape, (Shape{count, 2, 3}));
            EXPECT_EQ(some.size(), 6 * count);
            EXPECT_EQ(some.data.data(), array.data.data() + 6 * first);
        }
}

TEST(ArrayView, CopiesOnlyWhenAsked) {
    FloatArray array = counting({3, 2});
    const FloatArray kept = array.rows(1, 2).copy();
    array.data.assign(6, -1);
    EXPECT_EQ(kept, FloatArray({2, 2}, {2, 3, 4, 5}));
    EXPECT_EQ(ArrayView<float>(kept).copy(), kept);
    static_assert(!std::is_convertible_v<ArrayView<float>, FloatArray>, "a copy is never made by accident");
}

TEST(Array, AppendsRows) {
    FloatArray all;
    const FloatArray array = counting({3, 2});
    all.append(array.rows(2, 1));
    EXPECT_EQ(all, FloatArray({1, 2}, {4, 5}));
    all.append(array.rows(0, 0));
    all.append(array.rows(0, 2));
    EXPECT_EQ(all, FloatArray({3, 2}, {4, 5, 0, 1, 2, 3}));
}

}  // namespace
}  // namespace spikelens

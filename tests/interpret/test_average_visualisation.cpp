#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"
#include "spikelens/interpret/average_visualisation.h"

#include "interpret/memory_samples.h"

namespace spikelens {
namespace {

Responses tops(std::vector<std::vector<TopImage>> top) {
    Responses responses;
    responses.top = std::move(top);
    return responses;
}

// 0, 1, 2, … along the rows.
MemorySamples counting_images(int64_t count, const Shape& shape) {
    Shape all = shape;
    all.insert(all.begin(), count);
    FloatArray images(all);
    for (int64_t i = 0; i < images.size(); ++i) images.data[i] = static_cast<float>(i);
    return {images, std::vector<int>(count), 2};
}

TEST(AverageVisualisation, AnInnerCropIsTheReceptiveField) {
    const Network network = parse_network("1C3-IF-2F", {1, 4, 4}, 3);  // padding 1: the field starts one pixel before
    const auto result = average_visualisations(network, counting_images(1, {1, 4, 4}), tops({{{1, 0, 1, 2}}}), {0});
    ASSERT_EQ(result.size(), 1U);
    EXPECT_EQ(result[0].filter, (FilterIndex{0, 0}));
    EXPECT_EQ(result[0].crops, FloatArray({1, 1, 3, 3}, {1, 2, 3, 5, 6, 7, 9, 10, 11}));
    EXPECT_EQ(result[0].samples, std::vector<int64_t>{0});
    EXPECT_EQ(result[0].averaged, 1);
    EXPECT_EQ(result[0].spread, 0);
    const FloatArray crop({1, 3, 3}, {1, 2, 3, 5, 6, 7, 9, 10, 11});
    EXPECT_EQ(result[0].average, resize_bilinear(crop, 4, 4));
}

TEST(AverageVisualisation, BeyondTheBorderLiesTheChannelsMean) {
    const Network network = parse_network("1C3-IF-2F", {2, 4, 4}, 3);
    const auto result = average_visualisations(network, counting_images(1, {2, 4, 4}), tops({{{1, 0, 0, 3}}}), {0});
    const FloatArray expected({1, 2, 3, 3}, {7.5F, 7.5F, 7.5F, 2, 3, 7.5F, 6, 7, 7.5F,  //
                                             23.5F, 23.5F, 23.5F, 18, 19, 23.5F, 22, 23, 23.5F});
    EXPECT_EQ(result[0].crops, expected);
}

TEST(AverageVisualisation, DeeperFieldsStepOverPixels) {
    // 3 pixels, 4 after pooling by 2, then 2 · 2 more: 8 pixels, moving by 2, starting at −1 − 2 = −3.
    const Network network = parse_network("1C3-IF-MP2-1C3-IF-2F", {1, 16, 16}, 3);
    const ReceptiveField field = receptive_field(network, 1);
    ASSERT_EQ(field.size, 8);
    ASSERT_EQ(field.stride, 2);
    ASSERT_EQ(field.start, -3);
    const auto result =
        average_visualisations(network, counting_images(1, {1, 16, 16}), tops({{}, {{1, 0, 2, 3}}}), {1});
    EXPECT_EQ(result[0].filter, (FilterIndex{1, 0}));
    ASSERT_EQ(result[0].crops.shape, (Shape{1, 1, 8, 8}));
    EXPECT_EQ(result[0].crops.data.front(), 1 * 16 + 3);  // rows 1…8, columns 3…10
    EXPECT_EQ(result[0].crops.data.back(), 8 * 16 + 10);
}

TEST(AverageVisualisation, AFieldLargerThanTheInputShowsTheWholeImage) {
    const Network network = parse_network("1C9-IF-2F", {1, 4, 5}, 3);
    const auto result = average_visualisations(network, counting_images(2, {1, 4, 5}), tops({{{1, 1, 0, 0}}}), {0});
    EXPECT_EQ(result[0].crops.shape, (Shape{1, 1, 4, 5}));
    EXPECT_EQ(result[0].crops.data.front(), 20);
    EXPECT_EQ(result[0].average.data, result[0].crops.data);
}

TEST(AverageVisualisation, AverageAndSpreadAreOverAllCropsNotTheKeptOnes) {
    const Network network = parse_network("1C1-IF-2F", {1, 1, 4}, 3);
    const MemorySamples samples(FloatArray({3, 1, 1, 4}, {0, 0, 0, 3, 0, 0, 0, 6, 9, 0, 0, 0}), {0, 0, 0}, 2);
    const auto result =
        average_visualisations(network, samples, tops({{{0.9F, 1, 0, 3}, {0.8F, 0, 0, 3}, {0.7F, 2, 0, 0}}}), {0}, 2);
    EXPECT_EQ(result[0].averaged, 3);
    EXPECT_EQ(result[0].samples, (std::vector<int64_t>{1, 0}));
    EXPECT_EQ(result[0].crops, FloatArray({2, 1, 1, 1}, {6, 3}));
    EXPECT_EQ(result[0].average, FloatArray({1, 1, 4}, 6.0F));
    EXPECT_NEAR(result[0].spread, std::sqrt(6.0), 1e-12);  // 3, 6, 9
}

TEST(AverageVisualisation, EqualCropsHaveNoSpread) {
    const Network network = parse_network("1C3-IF-2F", {1, 4, 4}, 3);
    MemorySamples samples = random_samples(1, {1, 4, 4}, 2, 3);
    const std::vector<TopImage> same(100, {0.5F, 0, 1, 1});
    const auto result = average_visualisations(network, samples, tops({same}), {0});
    EXPECT_EQ(result[0].spread, 0);
    EXPECT_EQ(result[0].crops.extent(0), 9);
    EXPECT_EQ(
        result[0].average,
        resize_bilinear(FloatArray({1, 3, 3}, {result[0].crops.row(0).begin(), result[0].crops.row(0).end()}), 4, 4));
}

TEST(AverageVisualisation, ADeadFilterIsEmpty) {
    const Network network = parse_network("2C3-IF-2F", {1, 4, 4}, 3);
    const auto result =
        average_visualisations(network, counting_images(1, {1, 4, 4}), tops({{}, {{1, 0, 1, 1}}}), {0, 1, 0});
    ASSERT_EQ(result.size(), 3U);
    for (const int dead : {0, 2}) {
        EXPECT_TRUE(result[dead].average.empty());
        EXPECT_TRUE(result[dead].crops.empty());
        EXPECT_EQ(result[dead].averaged, 0);
        EXPECT_EQ(result[dead].filter, (FilterIndex{0, 0}));
    }
    EXPECT_FALSE(result[1].average.empty());
}

// The bright spot that a filter detects must lie in the middle of every crop, wherever it was in the image.
TEST(AverageVisualisation, CropsCentreOnWhatTheFilterAnswersTo) {
    Network network = parse_network("1C3b0-IF-2F", {1, 9, 9}, 4);
    network.layers[0].weight.data[4] = 1;  // centre of the kernel: fires where the pixel is bright
    FloatArray images({4, 1, 9, 9});
    const std::vector<std::pair<int, int>> spots = {{1, 1}, {4, 7}, {7, 2}, {0, 8}};
    for (int64_t n = 0; n < 4; ++n) images.row(n)[spots[n].first * 9 + spots[n].second] = 2;
    const MemorySamples samples(images, {0, 0, 0, 0}, 2);
    ResponseSums sums;
    accumulate_responses(CpuEngine(network), samples, {}, sums);
    const auto result = average_visualisations(network, samples, finished(sums), {0});
    ASSERT_EQ(result[0].crops.extent(0), 4);
    for (int64_t k = 0; k < 4; ++k) EXPECT_EQ(result[0].crops.row(k)[4], 2);
    EXPECT_EQ(result[0].samples, (std::vector<int64_t>{0, 1, 2, 3}));
}

TEST(AverageVisualisation, ThreadsDoNotChangeIt) {
    const Network network = parse_network("6C3-IF-2F", {1, 8, 8}, 3);
    const MemorySamples samples = random_samples(30, {1, 8, 8}, 2, 1);
    std::vector<std::vector<TopImage>> top(6);
    for (int f = 0; f < 6; ++f)
        for (int64_t n = f; n < 30; ++n)
            top[f].push_back({1.0F / static_cast<float>(n + 1), n, f, static_cast<int>(n % 8)});
    const auto one = average_visualisations(network, samples, tops(top), {0, 1, 2, 3, 4, 5}, 9, {.threads = 1});
    const auto many = average_visualisations(network, samples, tops(top), {0, 1, 2, 3, 4, 5}, 9, {.threads = 4});
    for (int f = 0; f < 6; ++f) {
        EXPECT_EQ(one[f].average, many[f].average);
        EXPECT_EQ(one[f].crops, many[f].crops);
        EXPECT_EQ(one[f].spread, many[f].spread);
        EXPECT_GT(one[f].spread, 0);
    }
}

TEST(AverageVisualisation, FewAreHeldWhereMemoryIsLittle) {
    const Network network = parse_network("40C3-IF-2F", {1, 8, 8}, 3);
    const MemorySamples samples = random_samples(20, {1, 8, 8}, 2, 1);
    std::vector<std::vector<TopImage>> top(40);
    std::vector<int> filters;
    for (int f = 0; f < 40; ++f) {
        filters.push_back(f);
        for (int64_t n = 0; n < 10; ++n) top[f].push_back({1, n + f % 10, f % 8, static_cast<int>(n % 8)});
    }
    const int64_t bytes = 4 * (8 * 8 + 9 * 3 * 3);  // of one: its average and nine crops
    const std::vector<FilterVisualisation> all = average_visualisations(network, samples, tops(top), filters);
    for (const int64_t most : {0, 1, 7, 40}) {  // so many fit; one is always held
        Execution execution{.threads = 3, .memory = most * bytes};
        int64_t made = 0;
        size_t taken = 0;
        execution.progress = [&](const ProgressEvent& event) { made = event.done; };
        average_visualisations(network, samples, tops(top), filters, 9, execution,
                               [&](const FilterVisualisation& picture) {
                                   EXPECT_LE(made - static_cast<int64_t>(taken), std::max<int64_t>(most, 1));
                                   EXPECT_EQ(picture.average, all.at(taken).average);
                                   EXPECT_EQ(picture.crops, all.at(taken).crops);
                                   EXPECT_EQ(picture.filter, all.at(taken).filter);
                                   ++taken;
                               });
        EXPECT_EQ(taken, 40U) << most;
    }
}

TEST(AverageVisualisation, BadInputGetsASentence) {
    const Network network = parse_network("1C3-IF-2F", {1, 4, 4}, 3);
    const MemorySamples samples = counting_images(1, {1, 4, 4});
    EXPECT_THROW(average_visualisations(network, samples, tops({{}}), {1}), InputError);
    EXPECT_THROW(average_visualisations(network, samples, tops({{}}), {-1}), InputError);
    EXPECT_THROW(average_visualisations(network, samples, tops({{}, {}}), {0}), InputError);
    EXPECT_THROW(average_visualisations(network, samples, tops({{}}), {0}, -1), InputError);
    EXPECT_THROW(average_visualisations(network, counting_images(1, {1, 4, 5}), tops({{}}), {0}), InputError);
}

}  // namespace
}  // namespace spikelens

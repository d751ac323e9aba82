#include <map>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/train/augment.h"

namespace spikelens {
namespace {

constexpr int64_t kHeight = 4, kWidth = 5, kPixels = kHeight * kWidth;

/// Two channels, every pixel another number above 0.
FloatArray numbered(int64_t samples) {
    FloatArray images({samples, 2, kHeight, kWidth});
    for (int64_t n = 0; n < samples; ++n) std::iota(images.row(n).begin(), images.row(n).end(), 1.0F);
    return images;
}

std::vector<int64_t> first(int64_t count) {
    std::vector<int64_t> indices(count);
    std::iota(indices.begin(), indices.end(), 0);
    return indices;
}

FloatArray augmented(int64_t samples, std::string_view text, uint64_t seed = 1, int epoch = 1) {
    Input input(numbered(samples));
    augment(input, first(samples), parse_augmentation(text), seed, epoch);
    return input.images;
}

/// What row y, column x of a channel shows when all is moved by so many rows and columns, then flipped.
float moved(int64_t channel, int64_t y, int64_t x, int64_t rows, int64_t columns, bool flip) {
    const int64_t row = std::clamp<int64_t>(y + rows, 0, kHeight - 1), shifted = x + columns;
    const int64_t column = std::clamp<int64_t>(flip ? kWidth - 1 - shifted : shifted, 0, kWidth - 1);
    return static_cast<float>(channel * kPixels + row * kWidth + column + 1);
}

bool is_moved(std::span<const float> sample, int64_t rows, int64_t columns, bool flip) {
    for (int64_t i = 0; i < 2 * kPixels; ++i)
        if (sample[i] != moved(i / kPixels, i % kPixels / kWidth, i % kWidth, rows, columns, flip)) return false;
    return true;
}

TEST(Augment, HalfOfTheSamplesAreFlippedWhole) {
    const FloatArray images = augmented(1000, "flip");
    int64_t flipped = 0;
    for (int64_t n = 0; n < 1000; ++n) {
        const bool is = is_moved(images.row(n), 0, 0, true);
        ASSERT_TRUE(is || is_moved(images.row(n), 0, 0, false)) << n;
        flipped += is ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(flipped), 500, 64);  // four standard deviations
}

TEST(Augment, EveryMoveIsAsFrequentAndRepeatsTheEdge) {
    const FloatArray images = augmented(2500, "crop=2");
    std::map<std::pair<int64_t, int64_t>, int> counts;
    for (int64_t n = 0; n < 2500; ++n) {
        int64_t found = 0;
        for (int64_t rows = -2; rows <= 2; ++rows)
            for (int64_t columns = -2; columns <= 2; ++columns)
                if (is_moved(images.row(n), rows, columns, false)) ++found, ++counts[{rows, columns}];
        ASSERT_EQ(found, 1) << n;
    }
    ASSERT_EQ(counts.size(), 25U);
    for (const auto& [move, count] : counts) EXPECT_NEAR(count, 100, 45) << move.first << " " << move.second;
}

TEST(Augment, SpikesMoveInAllStepsAlikeAndNoneComeFromOutside) {
    Array<uint8_t> spikes({200, 3, 1, kHeight, kWidth});
    for (int64_t n = 0; n < 200; ++n)
        for (int64_t i = 0; i < 3 * kPixels; ++i)
            spikes.row(n)[i] = static_cast<uint8_t>(i % kPixels + 1 + 40 * (i / kPixels));
    Input input(spikes);
    augment(input, first(200), parse_augmentation("flip,crop=1"), 3, 1);
    int64_t silent = 0;
    for (int64_t n = 0; n < 200; ++n)
        for (int64_t i = 0; i < kPixels; ++i) {
            const auto row = input.spikes.row(n);
            silent += row[i] == 0;
            for (int step = 1; step < 3; ++step)
                ASSERT_EQ(row[step * kPixels + i], row[i] == 0 ? 0 : row[i] + 40 * step);
        }
    EXPECT_GT(silent, 0);
}

TEST(Augment, WhatBecomesOfASampleDependsOnSeedEpochAndIndexAlone) {
    const FloatArray all = augmented(50, "flip,crop=2");
    EXPECT_EQ(augmented(50, "flip,crop=2"), all);
    EXPECT_NE(augmented(50, "flip,crop=2", 2), all);
    EXPECT_NE(augmented(50, "flip,crop=2", 1, 2), all);
    Input one(numbered(1));
    augment(one, std::vector<int64_t>{37}, parse_augmentation("flip,crop=2"), 1, 1);
    EXPECT_TRUE(std::ranges::equal(one.images.row(0), all.row(37)));
    EXPECT_EQ(augmented(50, "none"), numbered(50));
}

TEST(Augment, TextsAreCanonicalAndOthersAreRefused) {
    for (const char* text : {"none", "flip", "crop=4", "flip,crop=4"})
        EXPECT_EQ(augmentation_text(parse_augmentation(text)), text);
    EXPECT_EQ(augmentation_text(parse_augmentation("crop=4,flip")), "flip,crop=4");
    for (const char* text : {"", "flop", "crop", "crop=", "crop=0", "crop=-1", "crop=2.5", "flip,flip", "crop=1,crop=2",
                             "flip,", "none,flip"})
        EXPECT_THROW(parse_augmentation(text), InputError) << text;
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "draw/space_time_canvas.h"
#include "draw/space_time_letters.h"

namespace spikelens::space_time {
namespace {

constexpr Rgb kBlack{0, 0, 0};

double uniform(uint64_t i, double low, double high) {
    return low + random_uniform(13, Stream::test, {i}) * (high - low);
}

/// How dark a pixel is, 0 to 1.
double ink(const FloatArray& picture, int64_t row, int64_t column) {
    return 1 - static_cast<double>(picture.data[static_cast<size_t>(row * picture.extent(2) + column)]);
}

double ink(const FloatArray& picture) {
    double sum = 0;
    for (int64_t row = 0; row < picture.extent(1); ++row)
        for (int64_t column = 0; column < picture.extent(2); ++column) sum += ink(picture, row, column);
    return sum;
}

/// The share of each pixel that a shape covers, told from 24 × 24 places of it, is what the canvas has.
void expect_drawn(const Canvas& canvas, const std::function<bool(Point)>& covers, const std::string& what) {
    constexpr int parts = 24;
    const FloatArray picture = canvas.picture();
    double sum = 0;
    for (int64_t row = 0; row < picture.extent(1); ++row)
        for (int64_t column = 0; column < picture.extent(2); ++column) {
            int covered = 0;
            for (int i = 0; i < parts * parts; ++i)
                covered += covers({static_cast<double>(column) + (i % parts + 0.5) / parts,
                                   static_cast<double>(row) + (i / parts + 0.5) / parts});
            const double share = static_cast<double>(covered) / (parts * parts);
            sum += share;
            ASSERT_NEAR(ink(picture, row, column), share, 0.06) << what << ", row " << row << ", column " << column;
        }
    EXPECT_NEAR(ink(picture), sum, 0.5 + 0.02 * sum) << what;
}

double distance(Point place, Point from, Point to) {
    const Point along = to - from, off = place - from;
    const double squared = along.x * along.x + along.y * along.y;
    const double share = squared > 0 ? std::clamp((off.x * along.x + off.y * along.y) / squared, 0.0, 1.0) : 0;
    return std::hypot(off.x - share * along.x, off.y - share * along.y);
}

TEST(SpaceTimeCanvas, LinesAreAllThatIsNear) {
    for (uint64_t i = 0; i < 60; ++i) {
        const Point from{uniform(5 * i, -4, 34), uniform(5 * i + 1, -4, 24)};
        Point to{uniform(5 * i + 2, -4, 34), uniform(5 * i + 3, -4, 24)};
        if (i % 5 == 0) to.y = from.y;
        if (i % 5 == 1) to.x = from.x;
        const double width = uniform(5 * i + 4, 1, 4);
        Canvas canvas(30, 20);
        canvas.line(from, to, kBlack, width);
        expect_drawn(
            canvas, [&](Point place) { return distance(place, from, to) <= width / 2; }, "line " + std::to_string(i));
    }
    Canvas thin(30, 20);
    thin.line({5, 10}, {25, 10}, kBlack, 0);
    EXPECT_NEAR(ink(thin.picture()), 20 + std::numbers::pi / 4, 0.2);  // a pixel wide
}

TEST(SpaceTimeCanvas, DiscsAreAllThatIsNear) {
    for (uint64_t i = 0; i < 20; ++i) {
        const Point centre{uniform(900 + i, 0, 20), uniform(930 + i, 0, 16)};
        const double radius = uniform(960 + i, 0.6, 6);
        Canvas canvas(20, 16);
        canvas.disc(centre, radius, kBlack, 1);
        expect_drawn(
            canvas, [&](Point place) { return distance(place, centre, centre) <= radius; },
            "disc " + std::to_string(i));
    }
}

TEST(SpaceTimeCanvas, PolygonsAreWhatLiesWithinTheirSides) {
    for (uint64_t i = 0; i < 40; ++i) {
        std::vector<Point> corners;  // on an ellipse, so that they are convex
        const int count = 3 + static_cast<int>(i % 4);
        const double turn = uniform(1000 + 3 * i, 0, 6), wide = uniform(1001 + 3 * i, 6, 22);
        for (int k = 0; k < count; ++k) {
            const double angle = turn + 2 * std::numbers::pi * k / count;
            corners.push_back({15 + wide * std::cos(angle), 10 + 8 * std::sin(angle)});
        }
        if (i % 2 == 1) std::ranges::reverse(corners);
        const auto covers = [&](Point place) {
            int left = 0;
            for (size_t k = 0; k < corners.size(); ++k) {
                const Point along = corners[(k + 1) % corners.size()] - corners[k], off = place - corners[k];
                left += along.x * off.y - along.y * off.x > 0;
            }
            return left == 0 || left == count;
        };
        Canvas canvas(30, 20);
        canvas.polygon(corners, kBlack);
        expect_drawn(canvas, covers, "polygon " + std::to_string(i));
    }
}

TEST(SpaceTimeCanvas, WhatIsTransparentMixesColours) {
    Canvas canvas(12, 12);
    canvas.rectangle({0, 0, 12, 12}, {1, 0, 0});
    canvas.disc({6, 6}, 5, {0, 0, 1}, 0.25);
    const FloatArray picture = canvas.picture();
    const size_t middle = 6 * 12 + 6;
    EXPECT_NEAR(picture.data[middle], 0.75, 0.5 / 255 + 1e-6);
    EXPECT_EQ(picture.data[144 + middle], 0);
    EXPECT_NEAR(picture.data[288 + middle], 0.25, 0.5 / 255 + 1e-6);
}

/// The first and the last column, or row, with ink, and how far it reaches into them.
struct Extent {
    double first = 1e9, end = -1e9;
};
Extent extent(const FloatArray& picture, bool of_columns) {
    Extent found;
    for (int64_t i = 0; i < picture.extent(of_columns ? 2 : 1); ++i) {
        double most = 0;
        for (int64_t k = 0; k < picture.extent(of_columns ? 1 : 2); ++k)
            most = std::max(most, of_columns ? ink(picture, k, i) : ink(picture, i, k));
        if (most == 0) continue;
        found.first = std::min(found.first, static_cast<double>(i) + 1 - most);
        found.end = std::max(found.end, static_cast<double>(i) + most);
    }
    return found;
}

FloatArray written(const std::string& words, Point at, double size, Anchor anchor) {
    Canvas canvas(160, 40);
    canvas.text(at, words, size, kBlack, anchor);
    return canvas.picture();
}

TEST(SpaceTimeText, InkIsWhereItsAnchorSays) {
    for (const std::string words : {"HIH", "H", "NMF", "[H]", "|-|"})
        for (const double size : {10.0, 13.7, 20.0}) {
            const Extent left = extent(written(words, {20, 20}, size, Anchor::left), true),
                         middle = extent(written(words, {80, 20}, size, Anchor::middle), true),
                         right = extent(written(words, {140, 20}, size, Anchor::right), true);
            EXPECT_NEAR(left.first, 20, 0.5) << words << size;
            EXPECT_NEAR((middle.first + middle.end) / 2, 80, 0.5) << words << size;
            EXPECT_NEAR(right.end, 140, 0.5) << words << size;
            for (const Extent& other : {middle, right})
                EXPECT_NEAR(other.end - other.first, left.end - left.first, 0.5) << words << size;
        }
}

TEST(SpaceTimeText, CapitalsAreAsHighAsTheirSize) {
    for (const double size : {9.0, 12.0, 24.0}) {
        const Extent rows = extent(written("H", {80, 20}, size, Anchor::middle), false);
        const double stroke = 0.14 * size;
        EXPECT_NEAR(rows.first, 20 - (size + stroke) / 2, 0.3) << size;
        EXPECT_NEAR(rows.end, 20 + (size + stroke) / 2, 0.3) << size;
    }
}

TEST(SpaceTimeText, EveryPrintableCharacterIsDrawnAndDiffers) {
    std::vector<FloatArray> pictures;
    for (char character = '!'; character <= '~'; ++character) {
        const FloatArray picture = written(std::string(1, character), {80, 20}, 20, Anchor::middle);
        EXPECT_GT(ink(picture), 3) << character;
        EXPECT_EQ(std::ranges::count(pictures, picture), character == 'l' ? 1 : 0) << character;  // as I
        pictures.push_back(picture);
    }
    EXPECT_EQ(ink(written("   ", {80, 20}, 20, Anchor::left)), 0);
    EXPECT_EQ(ink(written("", {80, 20}, 20, Anchor::right)), 0);
}

/// "G]KFK[ RYFY[ RKPYP" in the font's file, where 'G' is its left edge and 'R' is 0.
TEST(SpaceTimeLetters, AreTheStrokesOfTheFile) {
    const std::vector<Segment> strokes = letter_strokes("HH");
    const std::vector<std::array<double, 4>> one{{4, -10.5, 4, 10.5}, {18, -10.5, 18, 10.5}, {4, -0.5, 18, -0.5}};
    ASSERT_EQ(strokes.size(), 6U);
    for (size_t i = 0; i < 6; ++i) {
        const auto& expected = one[i % 3];
        const double x = i < 3 ? 0 : 22;  // from 'G' to ']'
        EXPECT_EQ(strokes[i].from.x, expected[0] + x) << i;
        EXPECT_EQ(strokes[i].from.y, expected[1]) << i;
        EXPECT_EQ(strokes[i].to.x, expected[2] + x) << i;
        EXPECT_EQ(strokes[i].to.y, expected[3]) << i;
    }
}

}  // namespace
}  // namespace spikelens::space_time

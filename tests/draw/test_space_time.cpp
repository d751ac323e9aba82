#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"
#include "spikelens/draw/space_time.h"
#include "spikelens/io/files.h"

#include "draw/space_time_parts.h"
#include "draw/space_time_view.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using namespace space_time;
using testing::HasSubstr;

double uniform(uint64_t i) { return random_uniform(11, Stream::test, {i}); }

Array<uint8_t> random_spikes(Shape shape, double share) {
    Array<uint8_t> spikes(std::move(shape));
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[static_cast<size_t>(i)] = uniform(static_cast<uint64_t>(i)) < share ? 1 : 0;
    return spikes;
}

Rgb pixel(const FloatArray& picture, int64_t row, int64_t column) {
    const int64_t plane = picture.row_size(), at = row * picture.extent(2) + column;
    return {picture.data[static_cast<size_t>(at)], picture.data[static_cast<size_t>(plane + at)],
            picture.data[static_cast<size_t>(2 * plane + at)]};
}

float chroma(const Rgb& colour) { return std::ranges::max(colour) - std::ranges::min(colour); }

/// The cloud's part of a picture: the greatest chroma, and how many pixels are mostly blue and mostly red.
struct Hues {
    float chroma = 0;
    int blue = 0, red = 0;
};
Hues hues_of_cloud(const FloatArray& picture) {
    Hues hues;
    for (int64_t row = 0; row < picture.extent(1); ++row)
        for (int64_t column = 0; column < picture.extent(2) * 6 / 10; ++column) {
            const Rgb colour = pixel(picture, row, column);
            hues.chroma = std::max(hues.chroma, chroma(colour));
            hues.blue += colour[2] - colour[0] > 0.2F;
            hues.red += colour[0] - colour[2] > 0.2F;
        }
    return hues;
}

void expect_colour(const Rgb& colour, const Rgb& expected, float room) {
    for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(colour[c], expected[c], room);
}

TEST(SpaceTime, IsAPictureOnWhiteAndAlwaysTheSame) {
    const Array<uint8_t> spikes = random_spikes({20, 2, 7, 9}, 0.1);
    FloatArray scores(spikes.shape);
    for (size_t i = 0; i < scores.data.size(); ++i) scores.data[i] = static_cast<float>(uniform(i + 5000) - 0.5);
    for (const auto& [shown, is_signed] : {std::pair{FloatArray(), false}, {scores, true}}) {
        const FloatArray picture = space_time_picture(spikes, shown, is_signed, 400, 260);
        ASSERT_EQ(picture.shape, (Shape{3, 260, 400}));
        EXPECT_GE(std::ranges::min(picture.data), 0);
        EXPECT_LE(std::ranges::max(picture.data), 1);
        for (int64_t row : {0, 259})
            for (int64_t column : {0, 399}) EXPECT_EQ(pixel(picture, row, column), (Rgb{1, 1, 1}));
        EXPECT_EQ(picture, space_time_picture(spikes, shown, is_signed, 400, 260));
    }
}

TEST(SpaceTime, PolaritiesHaveTheirColours) {
    Array<uint8_t> spikes({5, 2, 4, 4});
    EXPECT_LT(hues_of_cloud(space_time_picture(spikes, {}, false, 480, 300)).chroma, 0.05F);  // nothing but the box
    const auto off = static_cast<size_t>((2 * 2 + 0) * 16 + 5), on = static_cast<size_t>((2 * 2 + 1) * 16 + 5);
    spikes.data[off] = 3;
    const Hues blue = hues_of_cloud(space_time_picture(spikes, {}, false, 480, 300));
    std::swap(spikes.data[off], spikes.data[on]);
    const Hues orange = hues_of_cloud(space_time_picture(spikes, {}, false, 480, 300));
    EXPECT_GT(blue.blue, 0);
    EXPECT_EQ(blue.red, 0);
    EXPECT_GT(orange.red, 0);
    EXPECT_EQ(orange.blue, 0);
}

TEST(SpaceTime, EvidenceStandsOut) {
    const Array<uint8_t> spikes = random_spikes({30, 2, 8, 8}, 0.2);
    const auto evidence = static_cast<size_t>(std::ranges::find(spikes.data, 1) - spikes.data.begin());
    FloatArray scores(spikes.shape, 0.0F);
    EXPECT_LT(hues_of_cloud(space_time_picture(spikes, scores, true, 480, 300)).chroma, 0.05F);
    for (float sign : {1.0F, -1.0F}) {
        scores.data[evidence] = sign * 3;
        const Hues hues = hues_of_cloud(space_time_picture(spikes, scores, true, 480, 300));
        EXPECT_GT(sign > 0 ? hues.red : hues.blue, 0);
        EXPECT_EQ(sign > 0 ? hues.blue : hues.red, 0);
    }
}

TEST(SpaceTime, ScoresWithoutSpikesAreNotLookedAt) {
    Array<uint8_t> spikes({4, 1, 5, 5});
    spikes.data[12] = 1;
    FloatArray scores(spikes.shape, 0.5F), strange = scores;
    strange.data[13] = std::nanf("");
    strange.data[14] = 1e9F;
    EXPECT_EQ(space_time_picture(spikes, strange, true, 300, 200), space_time_picture(spikes, scores, true, 300, 200));
    strange.data[12] = std::nanf("");
    EXPECT_THAT(input_error([&] { space_time_picture(spikes, strange, true, 300, 200); }), HasSubstr("not finite"));
}

TEST(SpaceTime, RefusesWhatItCannotDraw) {
    const Array<uint8_t> spikes({4, 2, 5, 5});
    EXPECT_THAT(input_error([&] {
                    space_time_picture(Array<uint8_t>({2, 5, 5}), {}, false, 300, 200);
                }),
                HasSubstr("[2, 5, 5]"));
    EXPECT_THAT(input_error([&] {
                    space_time_picture(Array<uint8_t>({0, 2, 5, 5}), {}, false, 300, 200);
                }),
                HasSubstr("[0, 2, 5, 5]"));
    EXPECT_THAT(input_error([&] {
                    space_time_picture(spikes, FloatArray({4, 1, 5, 5}), false, 300, 200);
                }),
                HasSubstr("do not match"));
    for (const auto& [width, height] : {std::pair{239, 200}, {5000, 200}, {300, 100}, {300, 5000}})
        EXPECT_THAT(input_error([&] { space_time_picture(spikes, {}, false, width, height); }),
                    HasSubstr("240 to 4096"));
}

TEST(SpaceTime, DrawsARealRecording) {
    const char* data = std::getenv("SPIKELENS_DATA");
    if (!data) GTEST_SKIP() << "SPIKELENS_DATA names no folder of data: no real recording is drawn.";
    const std::string bytes = read_file(std::filesystem::path(data) / "nmnist-small" / "60001.bs2");
    Array<uint8_t> spikes({310, 2, 34, 34});
    const auto byte = [&](size_t i) { return static_cast<int64_t>(static_cast<uint8_t>(bytes[i])); };
    for (size_t i = 0; i + 4 < bytes.size(); i += 5) {
        const int64_t step = ((byte(i + 2) & 127) << 16 | byte(i + 3) << 8 | byte(i + 4)) / 1000;
        if (step < 310)
            ++spikes.data[static_cast<size_t>(((step * 2 + (byte(i + 2) >> 7)) * 34 + byte(i + 1)) * 34 + byte(i))];
    }
    const Hues hues = hues_of_cloud(space_time_picture(spikes, {}, false, 960, 540));
    EXPECT_GT(hues.blue, 1500);
    EXPECT_GT(hues.red, 1500);
}

TEST(SpaceTimeView, BoxFitsItsAreaAndStaysItsShape) {
    for (const auto& [w, h, t] :
         {std::array{34.0, 34.0, 310.0}, {346.0, 260.0, 50.0}, {1.0, 1.0, 1.0}, {8.0, 40.0, 5.0}}) {
        const Area area{30, 20, 500, 400};
        const View view(w, h, t, area);
        Point low{1e9, 1e9}, high{-1e9, -1e9};
        for (int corner = 0; corner < 8; ++corner) {
            const Point at = view.at({corner & 1 ? w : 0, corner & 2 ? h : 0, corner & 4 ? t : 0});
            low = {std::min(low.x, at.x), std::min(low.y, at.y)};
            high = {std::max(high.x, at.x), std::max(high.y, at.y)};
        }
        EXPECT_GE(low.x, area.left - 1e-9);
        EXPECT_GE(low.y, area.top - 1e-9);
        EXPECT_LE(high.x, area.right() + 1e-9);
        EXPECT_LE(high.y, area.bottom() + 1e-9);
        EXPECT_NEAR(std::max((high.x - low.x) / area.width, (high.y - low.y) / area.height), 1,
                    1e-9);  // as large as can be
    }
}

/// Seen from far away without shear, the picture's two rows of edges are perpendicular and equally long: two equations,
/// of which one gives the length of a step and the other must hold.
TEST(SpaceTimeView, IsOrthographic) {
    const View view(1, 1, 7, {0, 0, 300, 200});
    const Point o = view.at({0, 0, 0}), x = view.at({1, 0, 0}), y = view.at({0, 1, 0}), t = view.at({0, 0, 1});
    const Point a{x.x - o.x, x.y - o.y}, b{y.x - o.x, y.y - o.y}, c{t.x - o.x, t.y - o.y};
    const double step_squared = -c.x * c.y / (a.x * a.y + b.x * b.y);
    ASSERT_GT(step_squared, 0);
    EXPECT_NEAR(a.x * a.x + b.x * b.x + c.x * c.x / step_squared, a.y * a.y + b.y * b.y + c.y * c.y / step_squared,
                1e-6);

    // Along the direction that the picture does not see, and only there, depth grows without moving a point.
    const Place n{b.x * c.y - b.y * c.x, c.x * a.y - c.y * a.x, a.x * b.y - a.y * b.x};
    const double size = std::abs(n.x) + std::abs(n.y) + std::abs(n.t);
    const Place away{n.x / size, n.y / size, n.t / size};
    EXPECT_NEAR(view.at(away).x, o.x, 1e-9);
    EXPECT_NEAR(view.at(away).y, o.y, 1e-9);
    EXPECT_GT(std::abs(view.depth(away) - view.depth({0, 0, 0})), 0.1);
}

TEST(SpaceTimeView, RightIsNearAndLateAndLowAreFar) {
    const View view(34, 34, 310, {0, 0, 300, 200});
    EXPECT_LT(view.depth({1, 0, 0}), view.depth({0, 0, 0}));
    EXPECT_GT(view.depth({0, 1, 0}), view.depth({0, 0, 0}));
    EXPECT_GT(view.depth({0, 0, 1}), view.depth({0, 0, 0}));
}

TEST(SpaceTimeInk, HasTheColoursOfMaps) {
    const ScoreInk diverging(std::vector<double>{-1, 4}, true);
    EXPECT_EQ(diverging.low(), -4);
    const FloatArray map({1, 5}, std::vector<float>{-1, -0.5F, 0, 0.5F, 1});
    const FloatArray colours = colour_map(map, Colours::diverging);
    for (int64_t i = 0; i < 5; ++i) {
        const double root = map.data[static_cast<size_t>(i)];
        expect_colour(diverging.colour(4 * root * std::abs(root)), pixel(FloatArray({3, 1, 5}, colours.data), 0, i),
                      0.01F);
    }
    expect_colour(diverging.colour(0), {1, 1, 1}, 0);

    const ScoreInk sequential(std::vector<double>{0.5, 2}, false);
    EXPECT_EQ(sequential.low(), 0);
    const FloatArray heat = colour_map(FloatArray({1, 3}, std::vector<float>{0, 0.5F, 1}), Colours::heat);
    for (int64_t i = 0; i < 3; ++i) {
        const double root = 0.5 * static_cast<double>(i);
        expect_colour(sequential.colour(2 * root * root), pixel(FloatArray({3, 1, 3}, heat.data), 0, i), 0.03F);
    }
}

TEST(SpaceTimeInk, GrowsWithTheScore) {
    for (bool is_signed : {false, true}) {
        const ScoreInk ink(std::vector<double>{0, 1}, is_signed);
        for (double score = 0; score < 0.95; score += 0.1) {
            EXPECT_LT(ink.mark(score).opacity, ink.mark(score + 0.1).opacity);
            EXPECT_LT(ink.mark(score).size, ink.mark(score + 0.1).size);
        }
        if (is_signed) {
            EXPECT_EQ(ink.mark(-0.3).opacity, ink.mark(0.3).opacity);
        }
        const Rgb nothing = ScoreInk(std::vector<double>{0, 0}, is_signed).mark(0).colour;
        EXPECT_LT(chroma(nothing), 0.02F);
    }
}

TEST(SpaceTimeCanvas, CoversWhatItShould) {
    Canvas canvas(40, 30);
    canvas.rectangle({10, 5, 4, 3}, {0, 0, 0});
    FloatArray picture = canvas.picture();
    double ink = 0;
    for (float value : picture.data) ink += (1 - value) / 3;
    EXPECT_NEAR(ink, 12, 1e-6);
    EXPECT_EQ(pixel(picture, 5, 10), (Rgb{0, 0, 0}));
    EXPECT_EQ(pixel(picture, 8, 10), (Rgb{1, 1, 1}));

    for (double radius : {1.0, 1.7, 6.0}) {
        Canvas round(40, 30);
        round.disc({20.2, 14.7}, radius, {0, 0, 0}, 0.5);
        ink = 0;
        for (float value : round.picture().data) ink += (1 - value) / 3;
        EXPECT_NEAR(ink, 0.5 * std::numbers::pi * radius * radius, 0.08 * std::numbers::pi * radius * radius) << radius;
    }
    Canvas beyond(10, 10);
    beyond.disc({-3, 20}, 4, {0, 0, 0}, 1);
    beyond.rectangle({-5, -5, 3, 3}, {0, 0, 0});
    EXPECT_EQ(std::ranges::min(beyond.picture().data), 1);
}

TEST(SpaceTimeTicks, AreRound) {
    EXPECT_EQ(ticks(310, 5), (std::vector<int64_t>{0, 100, 200, 300}));
    EXPECT_EQ(ticks(34, 4), (std::vector<int64_t>{0, 10, 20, 30}));
    EXPECT_EQ(ticks(1, 5), (std::vector<int64_t>{0, 1}));
    for (int64_t end = 1; end < 3000; end += 7) EXPECT_LE(ticks(end, 5).size(), 6U) << end;
}

/// x–y forgets time: the same spots at other steps give the same upper part; the parts below differ.
TEST(SpaceTimeSums, ForgetTheirThirdAxis) {
    Recording recording{40, 2, 6, 6, {}};
    for (uint64_t i = 0; i < 60; ++i)
        recording.spots.push_back({static_cast<int64_t>(uniform(i) * 6), static_cast<int64_t>(uniform(100 + i) * 6),
                                   static_cast<int64_t>(uniform(200 + i) * 40),
                                   static_cast<int64_t>(uniform(300 + i) * 2), 1, 0});
    Recording later = recording;
    for (Spot& spot : later.spots) spot.t = 39 - spot.t;
    const auto drawn = [](const Recording& shown) {
        Canvas canvas(200, 300);
        draw_sums(canvas, shown, {5, 5, 190, 290}, 6);
        return canvas.picture();
    };
    const FloatArray a = drawn(recording), b = drawn(later);
    int above = 0, below = 0;
    for (int64_t row = 0; row < 300; ++row)
        for (int64_t column = 0; column < 200; ++column)
            (row < 120 ? above : below) += pixel(a, row, column) != pixel(b, row, column);
    EXPECT_EQ(above, 0);
    EXPECT_GT(below, 100);
}

TEST(WindowStrip, IsEachFrameInOneRangeOfColours) {
    FloatArray maps({3, 4, 5});
    for (size_t i = 0; i < maps.data.size(); ++i)
        maps.data[i] = static_cast<float>(uniform(i) - 0.4) * static_cast<float>(i);
    for (Colours colours : {Colours::heat, Colours::diverging})
        for (int factor : {1, 3}) {
            const FloatArray strip = window_strip(maps, colours, factor);
            ASSERT_EQ(strip.shape, (Shape{3, 4 * factor, 15 * factor + 4}));
            const FloatArray all = colour_map(FloatArray({1, 60}, maps.data), colours);
            const FloatArray flat({3, 1, 60}, all.data);
            for (int64_t row = 0; row < strip.extent(1); ++row)
                for (int64_t column = 0; column < strip.extent(2); ++column) {
                    const int64_t window = column / (5 * factor + 2), inside = column % (5 * factor + 2);
                    const Rgb expected = inside >= 5 * factor
                                             ? Rgb{0.75F, 0.75F, 0.75F}
                                             : pixel(flat, 0, window * 20 + row / factor * 5 + inside / factor);
                    ASSERT_EQ(pixel(strip, row, column), expected) << row << " " << column;
                }
        }
}

TEST(WindowStrip, RefusesWhatItCannotDraw) {
    EXPECT_THAT(input_error([] { window_strip(FloatArray({4, 5}), Colours::heat, 1); }), HasSubstr("[4, 5]"));
    EXPECT_THAT(input_error([] { window_strip(FloatArray({1, 4, 5}), Colours::heat, 0); }), HasSubstr("factor"));
    EXPECT_THAT(input_error([] {
                    window_strip(FloatArray({1, 4, 5}, std::nanf("")), Colours::heat, 1);
                }),
                HasSubstr("not finite"));
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/draw/colour.h"
#include "spikelens/draw/palette.h"
#include "spikelens/io/sha256.h"

#include "support/errors.h"

namespace spikelens {
namespace {

std::vector<float> pixel(const FloatArray& picture, int64_t index) {
    const int64_t plane = picture.row_size();
    return {picture.data[index], picture.data[plane + index], picture.data[2 * plane + index]};
}

float lightness(const std::vector<float>& rgb) {
    const auto linear = [](float v) { return v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F); };
    const float y = 0.2126F * linear(rgb[0]) + 0.7152F * linear(rgb[1]) + 0.0722F * linear(rgb[2]);
    return y > 0.008856F ? 116 * std::cbrt(y) - 16 : 903.3F * y;
}

FloatArray ramp(int64_t count, float from, float to) {
    FloatArray map({1, count});
    for (int64_t i = 0; i < count; ++i)
        map.data[i] = from + (to - from) * static_cast<float>(i) / static_cast<float>(count - 1);
    return map;
}

TEST(ColourMap, HeatGoesFromPaleToDarkEvenly) {
    const FloatArray picture = colour_map(ramp(256, -3, 5), Colours::heat);
    EXPECT_EQ(picture.shape, (Shape{3, 1, 256}));
    const float first = lightness(pixel(picture, 0)), last = lightness(pixel(picture, 255));
    EXPECT_GT(first, 95);
    EXPECT_LT(last, 20);
    for (int64_t i = 1; i < 256; ++i)
        EXPECT_LT(lightness(pixel(picture, i)), lightness(pixel(picture, i - 1)) + 0.6F) << i;
    EXPECT_NEAR(lightness(pixel(picture, 128)), (first + last) / 2, 8);
}

TEST(ColourMap, DivergingIsWhiteAtZeroAndSymmetric) {
    const FloatArray picture = colour_map(ramp(101, -2, 2), Colours::diverging);
    EXPECT_EQ(pixel(picture, 50), (std::vector<float>{1, 1, 1}));
    for (int64_t i = 0; i < 50; ++i) {
        const std::vector<float> below = pixel(picture, i), above = pixel(picture, 100 - i);
        EXPECT_NEAR(lightness(below), lightness(above), 1.5) << i;
        EXPECT_GT(below[2], below[0]) << i;
        EXPECT_GT(above[0], above[2]) << i;
        EXPECT_LT(lightness(below), lightness(pixel(picture, i + 1))) << i;
    }
    // The range is symmetric: the same negative value has the same colour whatever the positive ones are below it.
    const FloatArray one = colour_map(FloatArray({1, 3}, {-4, 1, 0}), Colours::diverging);
    EXPECT_EQ(pixel(one, 0), pixel(picture, 0));
    EXPECT_EQ(pixel(one, 2), (std::vector<float>{1, 1, 1}));
}

TEST(ColourMap, JetHasItsKnownEnds) {
    const FloatArray picture = colour_map(FloatArray({1, 2}, {0, 1}), Colours::jet);
    EXPECT_EQ(pixel(picture, 0), (std::vector<float>{0, 0, 128 / 255.0F}));
    EXPECT_EQ(pixel(picture, 1), (std::vector<float>{128 / 255.0F, 0, 0}));
}

TEST(ColourMap, AllZeroMapsAreUniform) {
    for (Colours colours : {Colours::heat, Colours::diverging, Colours::jet}) {
        const FloatArray picture = colour_map(FloatArray({3, 2}), colours);
        for (int64_t i = 1; i < 6; ++i) EXPECT_EQ(pixel(picture, i), pixel(picture, 0));
    }
    EXPECT_EQ(pixel(colour_map(FloatArray({3, 2}), Colours::diverging), 0), (std::vector<float>{1, 1, 1}));
    EXPECT_NE(input_error([] { colour_map(FloatArray({1, 1}, {INFINITY}), Colours::heat); }), "");
    EXPECT_NE(input_error([] { colour_map(FloatArray({1, 1, 1}), Colours::heat); }), "");
}

TEST(Overlay, OfSignedMapsIsClearAtZeroAndBlueOrRedElsewhere) {
    const FloatArray image({1, 1, 4}, {1, 0, 0, 1}), map({1, 4}, {0, 0, -2, 1});
    const FloatArray picture = overlay(image, map, Colours::diverging);
    EXPECT_EQ(pixel(picture, 0), (std::vector<float>{1, 1, 1}));                  // the image, faded: white
    EXPECT_EQ(pixel(picture, 1), (std::vector<float>{0.5F, 0.5F, 0.5F}));         // and black
    EXPECT_EQ(pixel(picture, 2), pixel(colour_map(map, Colours::diverging), 2));  // the largest hides it
    const std::vector<float> red = pixel(colour_map(FloatArray({1, 1}, {1}), Colours::diverging), 0);
    for (int64_t c = 0; c < 3; ++c) EXPECT_NEAR(pixel(picture, 3)[c], 0.5F * red[c] + 0.5F, 1e-6);
    EXPECT_GT(pixel(picture, 3)[0], pixel(picture, 3)[2]);
}

TEST(Overlay, OfNothingIsTheFadedImage) {
    const FloatArray image({3, 1, 2}, {1, 0, 0, 0, 0, 1});
    for (Colours colours : {Colours::heat, Colours::diverging}) {
        const FloatArray picture = overlay(image, FloatArray({1, 2}), colours);
        for (int64_t c = 0; c < 3; ++c) {
            EXPECT_NEAR(pixel(picture, 0)[c], 0.5 + 0.5 * 0.299, 1e-6);
            EXPECT_NEAR(pixel(picture, 1)[c], 0.5 + 0.5 * 0.114, 1e-6);
        }
    }
}

TEST(Overlay, OfTheSvebiPaperIsItsFormulaOnFourPixels) {
    const FloatArray image({1, 2, 2}, {1, 0.5F, 0, 0.25F});
    const FloatArray map({2, 2}, {2, 4, 2, 4});  // normalised: 0 1 0 1, so JET gives (0, 0, 128) and (128, 0, 0)
    const float half = 128 / 255.0F;
    // 0.6·heat + 0.4·image; the brightest is pixel 0 in blue.
    const float brightest = 0.6F * half + 0.4F;
    const std::vector<std::vector<float>> expected = {{0.4F, 0.4F, 0.6F * half + 0.4F},
                                                      {0.6F * half + 0.2F, 0.2F, 0.2F},
                                                      {0, 0, 0.6F * half},
                                                      {0.6F * half + 0.1F, 0.1F, 0.1F}};
    const FloatArray picture = overlay(image, map, Colours::jet);
    ASSERT_EQ(picture.shape, (Shape{3, 2, 2}));
    for (int64_t i = 0; i < 4; ++i)
        for (int64_t c = 0; c < 3; ++c)
            EXPECT_NEAR(pixel(picture, i)[c], expected[i][c] / brightest, 1e-6) << i << " " << c;
    FloatArray coloured({3, 2, 2});
    for (int64_t i = 0; i < 12; ++i) coloured.data[i] = image.data[i % 4];
    EXPECT_EQ(overlay(coloured, map, Colours::jet), picture);
}

TEST(Overlay, OfTheSvebiPaperOfNothingOnBlackIsUniform) {
    const FloatArray picture = overlay(FloatArray({1, 2, 2}), FloatArray({2, 2}), Colours::jet);
    for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(pixel(picture, i), (std::vector<float>{0, 0, 1}));
    EXPECT_NE(input_error([] { overlay(FloatArray({1, 2, 3}), FloatArray({2, 2}), Colours::heat); }), "");
}

std::vector<float> of(const PaletteColour& colour) { return {colour.r / 255.0F, colour.g / 255.0F, colour.b / 255.0F}; }

TEST(Palette, IsTheOneThatMapsAreDrawnWith) {
    const FloatArray heat = colour_map(ramp(256, 0, 1), Colours::heat),
                     signed_map = colour_map(ramp(255, -1, 1), Colours::diverging);
    ASSERT_EQ(sequential_palette().size(), 256U);
    ASSERT_EQ(diverging_palette().size(), 255U);
    for (int64_t i = 0; i < 256; ++i) EXPECT_EQ(pixel(heat, i), of(sequential_palette()[i])) << i;
    for (int64_t i = 0; i < 255; ++i) EXPECT_EQ(pixel(signed_map, i), of(diverging_palette()[i])) << i;
    EXPECT_EQ(diverging_palette()[127], (PaletteColour{255, 255, 255}));
}

std::string bytes_of(const std::vector<PaletteColour>& palette) {
    std::string bytes;
    for (const PaletteColour& colour : palette)
        for (const uint8_t part : {colour.r, colour.g, colour.b}) bytes += static_cast<char>(part);
    return bytes;
}

/// All 256 colours: values in the middle of each, between the two ends.
std::vector<PaletteColour> jet_palette() {
    FloatArray map({1, 256});
    for (int64_t i = 0; i < 256; ++i) map.data[i] = i == 0 || i == 255 ? static_cast<float>(i) : 0.5F + i;
    const FloatArray picture = colour_map(map, Colours::jet);
    std::vector<PaletteColour> palette;
    for (int64_t i = 0; i < 256; ++i) {
        const auto part = [&](size_t c) { return static_cast<uint8_t>(std::lround(pixel(picture, i)[c] * 255)); };
        palette.push_back({part(0), part(1), part(2)});
    }
    return palette;
}

/// OpenCV 4.6 has these colours: applyColorMap with MAGMA, mixed, and with JET, and cvtColor with Lab2RGB of floats.
TEST(Palette, HasTheColoursOfOpenCv) {
    EXPECT_EQ(sha256_of_bytes(bytes_of(sequential_palette())),
              "c619be7d20290723ffe7366b0f4d47b79ff0d4a8d1f4891d0d3d2af97c7c3151");
    EXPECT_EQ(sha256_of_bytes(bytes_of(diverging_palette())),
              "abbfddf628b9889c513eba0f0627e9dd0a658e0759d67c1a87c4f8dfa61ef465");
    EXPECT_EQ(sha256_of_bytes(bytes_of(jet_palette())),
              "661fa696672fecb0ffa3e76bff80e0119d8308227c361c0043f705d8c867faad");
}

TEST(Drawable, PolaritiesHaveTheirColoursOnWhite) {
    const FloatArray picture = drawable(FloatArray({2, 1, 3}, {1, 0, 0, 0, 1, 0}));
    ASSERT_EQ(picture.shape, (Shape{3, 1, 3}));
    for (int64_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(pixel(picture, 0)[c], of(kOffColour)[c], 1e-6);
        EXPECT_NEAR(pixel(picture, 1)[c], of(kOnColour)[c], 1e-6);
        EXPECT_EQ(pixel(picture, 2)[c], 1);
    }
    const FloatArray grey({1, 1, 2}, {0, 1});
    EXPECT_EQ(drawable(grey), grey);
}

TEST(Enlarge, RepeatsPixels) {
    const FloatArray image({2, 1, 2}, {1, 2, 3, 4});
    EXPECT_EQ(enlarge(image, 2), FloatArray({2, 2, 4}, {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
    EXPECT_EQ(enlarge(image, 1), image);
    EXPECT_NE(input_error([&] { enlarge(image, 0); }), "");
}

}  // namespace
}  // namespace spikelens

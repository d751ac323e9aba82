#include <fstream>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/draw/colour.h"
#include "spikelens/io/picture.h"

#include "support/errors.h"
#include "support/picture_files.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PictureChanges : public testing::Test {
  protected:
    Picture read(const std::string& bytes, int64_t channels, int64_t height, int64_t width,
                 const char* background = "black") {
        std::ofstream(path, std::ios::binary) << bytes;
        return read_picture(path, channels, height, width, parse_background(background));
    }
    std::string error_of(const std::string& bytes, int64_t height, int64_t width, const char* background = "black") {
        return input_error([&] { read(bytes, 1, height, width, background); });
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "picture";
};

TEST_F(PictureChanges, NothingIsSaidOfAPictureThatIsTakenAsItIs) {
    EXPECT_THAT(read(png_file(2, 1, {0, 255}, {}), 1, 1, 2).changes, IsEmpty());
    const Picture grey_as_rgb = read(png_file(2, 1, {7, 7, 7, 255, 255, 255}, {.type = PNG_COLOR_TYPE_RGB}), 1, 1, 2);
    EXPECT_THAT(grey_as_rgb.changes, IsEmpty());
    EXPECT_EQ(grey_as_rgb.image, read(png_file(2, 1, {7, 255}, {}), 1, 1, 2).image);
    EXPECT_THAT(read(png_file(2, 1, {9, 255, 8, 255}, {.type = PNG_COLOR_TYPE_GRAY_ALPHA}), 1, 1, 2).changes,
                IsEmpty());
}

TEST_F(PictureChanges, TransparencyIsComposedOnTheBackground) {
    const std::string file = png_file(3, 1, {255, 255, 255, 0, 255, 51}, {.type = PNG_COLOR_TYPE_GRAY_ALPHA});
    const Picture black = read(file, 1, 1, 3);
    EXPECT_EQ(black.image.data, (std::vector<float>{1, 0, 0.2F}));
    EXPECT_THAT(black.changes, ElementsAre("composed on black"));
    const Picture colour =
        read(png_file(1, 2, {0, 0, 0, 0, 9, 9, 9, 255}, {.type = PNG_COLOR_TYPE_RGB_ALPHA}), 3, 2, 1, "#ff8000");
    EXPECT_EQ(colour.image.data, (std::vector<float>{1, 9 / 255.0F, 128 / 255.0F, 9 / 255.0F, 0, 9 / 255.0F}));
    EXPECT_THAT(colour.changes, ElementsAre("composed on #ff8000"));
}

TEST_F(PictureChanges, ADrawingInTransparencyAloneIsRefusedWhereNothingIsLeft) {
    const std::string black = png_file(2, 1, {0, 255, 0, 0}, {.type = PNG_COLOR_TYPE_GRAY_ALPHA});
    EXPECT_THAT(error_of(black, 1, 2),
                HasSubstr("becomes uniform, which it is not: composed on black; another background"));
    EXPECT_EQ(read(black, 1, 1, 2, "white").image.data, (std::vector<float>{0, 1}));
    EXPECT_THAT(error_of(png_file(2, 1, {0, 0, 200, 0}, {.type = PNG_COLOR_TYPE_GRAY_ALPHA}), 1, 2),
                HasSubstr("transparent everywhere"));
}

TEST_F(PictureChanges, TransparentColoursOfAPaletteAreComposedToo) {
    const Picture picture = read(
        png_file(
            2, 1, {0x40},
            {.type = PNG_COLOR_TYPE_PALETTE, .bits = 1, .colours = {{0, 0, 0}, {255, 255, 255}}, .clear_colours = {0}}),
        1, 1, 2, "#333333");
    EXPECT_EQ(picture.image.data, (std::vector<float>{0.2F, 1}));
    EXPECT_THAT(picture.changes, ElementsAre("composed on #333333"));
}

TEST_F(PictureChanges, LossOfColourAndSizeIsSaid) {
    const Picture grey = read(png_file(2, 1, {255, 0, 0, 0, 0, 255}, {.type = PNG_COLOR_TYPE_RGB}), 1, 1, 2);
    EXPECT_THAT(grey.changes, ElementsAre("3 channels to grey"));
    EXPECT_THAT(read(png_file(4, 2, {0, 1, 2, 3, 4, 5, 6, 7}, {}), 1, 2, 2).changes,
                ElementsAre("4×2 resized to 2×2 (proportions change)"));
    EXPECT_THAT(read(png_file(4, 2, {0, 1, 2, 3, 4, 5, 6, 7}, {}), 3, 1, 2).changes,
                ElementsAre("grey to 3 equal channels", "4×2 resized to 2×1"));
}

TEST_F(PictureChanges, PicturesThatLoseEverythingAreRefused) {
    EXPECT_THAT(error_of(png_file(2, 2, {0, 255, 255, 0}, {}), 1, 1),
                HasSubstr("becomes uniform"));  // a checker, shrunk
    EXPECT_THAT(error_of(png_file(1, 1, {9}, {}), 28, 28), HasSubstr("1×1 pixels, too few for 28×28"));
    EXPECT_THAT(error_of(png_file(28, 1, std::vector<uint8_t>(28, 9), {}), 28, 28), HasSubstr("too few"));
    EXPECT_THAT(read(png_file(2, 2, {9, 9, 9, 9}, {}), 1, 2, 2).changes, ElementsAre("every pixel is the same"));
}

TEST_F(PictureChanges, SixteenBitsAndInterlacedPicturesAreWhole) {
    const std::vector<uint8_t> two = {0x01, 0x00, 0xff, 0xff};
    EXPECT_EQ(read(png_file(2, 1, two, {.bits = 16}), 1, 1, 2).image.data, (std::vector<float>{256 / 65535.0F, 1}));
    std::vector<uint8_t> values(60);
    std::iota(values.begin(), values.end(), uint8_t{0});
    EXPECT_EQ(read(png_file(10, 6, values, {.interlace = PNG_INTERLACE_ADAM7}), 1, 6, 10).image,
              read(png_file(10, 6, values, {}), 1, 6, 10).image);
}

TEST_F(PictureChanges, WhatIsNotAppliedIsSaid) {
    const std::string animation("\0\0\0\x02\0\0\0\0", 8);
    EXPECT_THAT(read(png_file(2, 1, {0, 9}, {.gamma = 100000}), 1, 1, 2).changes,
                ElementsAre("its gamma of 1 was not applied"));
    EXPECT_THAT(read(png_file(2, 1, {0, 9}, {.gamma = 45455}), 1, 1, 2).changes, IsEmpty());
    EXPECT_THAT(read(png_file(2, 1, {0, 9}, {.chunks = {{"iCCP", "no profile"}}}), 1, 1, 2).changes,
                ElementsAre("its colour profile was not applied"));
    EXPECT_THAT(read(png_file(2, 1, {0, 9}, {.chunks = {{"acTL", animation}}}), 1, 1, 2).changes,
                ElementsAre("the first picture of an animation was taken"));
    EXPECT_THAT(read(png_file(2, 1, {0, 9}, {}) + "rest", 1, 1, 2).changes,
                ElementsAre("4 bytes after the end of the picture were left out"));
    const Picture cmyk = read(jpeg_file(2, 1, {255, 255, 255, 255, 0, 0, 0, 0}, {.components = 4}), 3, 1, 2);
    EXPECT_THAT(cmyk.changes, ElementsAre("CMYK to RGB"));
}

/// An EXIF block that states an orientation, in either order of bytes.
std::string exif(int orientation, bool little) {
    const auto number = [&](size_t value, size_t count) {
        std::string bytes;
        for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> 8 * (little ? i : count - 1 - i));
        return bytes;
    };
    return (little ? "II" : "MM") + number(42, 2) + number(8, 4) + number(1, 2) + number(0x0112, 2) + number(3, 2) +
           number(1, 4) + number(static_cast<size_t>(orientation), 2) + number(0, 2) + number(0, 4);
}

TEST_F(PictureChanges, PicturesAreTurnedUpright) {
    // a b c    by EXIF's definition, where the first row and the first column of the file are in the upright picture
    // d e f
    const std::vector<std::vector<int>> upright = {{},
                                                   {1, 2, 3, 4, 5, 6},   // top, left
                                                   {3, 2, 1, 6, 5, 4},   // top, right
                                                   {6, 5, 4, 3, 2, 1},   // bottom, right
                                                   {4, 5, 6, 1, 2, 3},   // bottom, left
                                                   {1, 4, 2, 5, 3, 6},   // left, top
                                                   {4, 1, 5, 2, 6, 3},   // right, top
                                                   {6, 3, 5, 2, 4, 1},   // right, bottom
                                                   {3, 6, 2, 5, 1, 4}};  // left, bottom
    for (int orientation = 1; orientation <= 8; ++orientation)
        for (bool little : {false, true}) {
            const bool lies = orientation > 4;
            const Picture picture =
                read(png_file(3, 2, {1, 2, 3, 4, 5, 6}, {.chunks = {{"eXIf", exif(orientation, little)}}}), 1,
                     lies ? 3 : 2, lies ? 2 : 3);
            std::vector<int> values;
            for (float value : picture.image.data) values.push_back(static_cast<int>(value * 255 + 0.5F));
            EXPECT_EQ(values, upright[static_cast<size_t>(orientation)]) << orientation;
            EXPECT_EQ(picture.changes.size(), orientation == 1 ? 0U : 1U);
        }
    const std::string jpeg =
        jpeg_file(32, 8, std::vector<uint8_t>(256, 7), {.exif = std::string("Exif\0\0", 6) + exif(6, true)});
    EXPECT_THAT(read(jpeg, 1, 32, 8).changes,
                ElementsAre("turned upright, as its EXIF orientation 6 says", "every pixel is the same"));
}

TEST_F(PictureChanges, CmykIsReadAsInk) {
    std::vector<uint8_t> pixels;
    for (int i = 0; i < 64; ++i)  // the encoder writes Adobe's marker: values are light, 255 is no ink
        for (uint8_t value : {255, 0, 255, 128}) pixels.push_back(value);
    const Picture picture = read(jpeg_file(8, 8, pixels, {.components = 4}), 3, 8, 8);
    EXPECT_NEAR(picture.image.data[0], 128 / 255.0, 0.02);
    EXPECT_NEAR(picture.image.data[64], 0, 0.02);
    EXPECT_NEAR(picture.image.data[128], 128 / 255.0, 0.02);
}

TEST_F(PictureChanges, HugeTextsAreNotUnpacked) {
    const std::string text = "Comment" + std::string(1, '\0') + std::string(20'000'000, 'x');
    EXPECT_THAT(read(png_file(2, 1, {0, 9}, {.chunks = {{"tEXt", text}}}), 1, 1, 2).changes, IsEmpty());
}

TEST_F(PictureChanges, BackgroundsAreColours) {
    EXPECT_EQ(parse_background("#FF8000").rgb, (std::array<double, 3>{1, 128 / 255.0, 0}));
    for (const char* text : {"", "blck", "#ff800", "#ff80000", "#gg8000", "ff8000"})
        EXPECT_THAT(input_error([&] { parse_background(text); }), HasSubstr("is not black, white or a colour")) << text;
}

std::vector<uint8_t> shades(size_t count) {
    std::vector<uint8_t> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = static_cast<uint8_t>(i * 37 % 251);
    return values;
}

TEST_F(PictureChanges, JpegMarkersWithoutLengthDoNotHideTheSize) {
    const std::string whole = jpeg_file(16, 16, shades(256), {});
    const FloatArray image = read(whole, 1, 16, 16).image;
    std::string huge = whole;
    const size_t frame = huge.find("\xff\xc0");
    for (size_t i : {5, 6, 7, 8}) huge[frame + i] = '\xf0';
    for (const std::string& marker :
         {std::string("\xff\x01"), std::string("\xff\xd0"), std::string("\xff\xd7\xff\xff\xff")}) {
        EXPECT_EQ(read(whole.substr(0, 2) + marker + whole.substr(2), 1, 16, 16).image, image);
        EXPECT_THAT(error_of(huge.substr(0, 2) + marker + huge.substr(2), 16, 16), HasSubstr("more than 64 million"));
    }
}

TEST_F(PictureChanges, JpegsOfEndlessScansAreRefused) {
    std::vector<jpeg_scan_info> scans = {{1, {0, 0, 0, 0}, 0, 0, 0, 0}};
    for (int k = 1; k < 64; ++k) scans.push_back({1, {0, 0, 0, 0}, k, k, 0, 9});
    EXPECT_EQ(error_of(jpeg_file(16, 16, shades(256), {.scans = scans}), 16, 16), "");
    for (int bit = 8; bit >= 0; --bit)
        for (int k = 1; k < 64; ++k) scans.push_back({1, {0, 0, 0, 0}, k, k, bit + 1, bit});
    EXPECT_THAT(error_of(jpeg_file(16, 16, shades(256), {.scans = scans}), 16, 16), HasSubstr("more scans"));
}

TEST_F(PictureChanges, DamagedJpegsAreRefusedInSilence) {
    const std::string whole = jpeg_file(32, 32, shades(1024), {});
    testing::internal::CaptureStderr();
    for (size_t length = 0; length < whole.size(); length += 3)
        EXPECT_NE(error_of(whole.substr(0, length), 32, 32), "") << length;
    const size_t middle = whole.size() - 300;
    EXPECT_THAT(error_of(whole.substr(0, middle) + "\xff\xd5" + whole.substr(middle), 32, 32),
                HasSubstr("cannot be decoded: Corrupt JPEG data"));
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace spikelens

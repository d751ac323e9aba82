#include <algorithm>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "spikelens/io/photograph.h"
#include "spikelens/io/sha256.h"

#include "support/errors.h"
#include "support/picture_files.h"

namespace spikelens {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// [H, W, 3] with structure in all directions.
Array<uint8_t> drawn(int64_t height, int64_t width) {
    Array<uint8_t> picture({height, width, 3});
    auto value = picture.data.begin();
    for (int64_t y = 0; y < height; ++y)
        for (int64_t x = 0; x < width; ++x)
            for (int64_t c = 0; c < 3; ++c)
                *value++ = static_cast<uint8_t>((x * 37 + y * 91 + c * 53 + x * y * 7) % 256);
    return picture;
}

std::string ppm(const Array<uint8_t>& picture) { return picture_file(".ppm", picture); }

Array<uint8_t> planes(const Array<uint8_t>& picture) {
    const int64_t pixels = picture.extent(0) * picture.extent(1);
    Array<uint8_t> result({3, picture.extent(0), picture.extent(1)});
    for (int64_t i = 0; i < 3 * pixels; ++i) result.data[static_cast<size_t>(i % 3 * pixels + i / 3)] = picture.data[i];
    return result;
}

/// Reference values by Pillow 12.3 and 13.0: Image.resize with BILINEAR, across and then down.
TEST(ResizeAntialiased, GivesTheBytesOfPillow) {
    struct Case {
        int64_t height, width, to_height, to_width;
        const char* sha256;  // its first 16 digits
    };
    for (const Case& one : {Case{9, 13, 4, 5, "e3de532b8135f4b6"}, Case{5, 7, 11, 20, "4e8d544fd202afc8"},
                            Case{120, 80, 33, 64, "d67eb8e4a87a247c"}, Case{31, 200, 31, 17, "932f3d6a79148646"},
                            Case{64, 64, 1, 1, "2957df1101512975"}}) {
        const Array<uint8_t> resized = resize_antialiased(drawn(one.height, one.width), one.to_height, one.to_width);
        EXPECT_EQ(resized.shape, (Shape{one.to_height, one.to_width, 3}));
        const std::string_view bytes(reinterpret_cast<const char*>(resized.data.data()), resized.data.size());
        EXPECT_EQ(sha256_of_bytes(bytes).substr(0, 16), one.sha256) << one.height << " x " << one.width;
    }
    const Array<uint8_t> picture = drawn(6, 5);
    EXPECT_EQ(resize_antialiased(picture, 6, 5), picture);
}

TEST(ResizeAntialiased, IsATriangleOfTwoPlaces) {
    // Of four values a half and a half: weights 1/8 3/8 3/8 1/8 of a triangle cut at the border, so 3/7 3/7 1/7 and 1/7
    // 3/7 3/7.
    const Array<uint8_t> line({1, 4, 3}, {0, 0, 0, 70, 70, 70, 140, 140, 140, 210, 210, 210});
    EXPECT_THAT(resize_antialiased(line, 1, 2).data, ElementsAre(50, 50, 50, 160, 160, 160));
}

TEST(Photograph, IsCutInItsMiddleWithTheHalfToEven) {
    for (const auto& [spare, before] : {std::pair{0, 0}, {1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 2}, {7, 4}}) {
        const Array<uint8_t> picture = drawn(4 + spare, 6);
        const Array<uint8_t> cut = photograph_bytes(ppm(picture), "p", {.crop_height = 4, .crop_width = 6});
        EXPECT_EQ(cut,
                  planes({{4, 6, 3}, {picture.data.begin() + before * 18, picture.data.begin() + (before + 4) * 18}}));
    }
}

TEST(Photograph, ShorterSideSetsTheLongerOne) {
    EXPECT_EQ(photograph_bytes(ppm(drawn(10, 15)), "p", {.shorter = 4}).shape, (Shape{3, 4, 6}));
    EXPECT_EQ(photograph_bytes(ppm(drawn(17, 10)), "p", {.shorter = 7}).shape, (Shape{3, 11, 7}));  // 11.9
    EXPECT_EQ(photograph_bytes(ppm(drawn(17, 10)), "p", {.height = 3, .width = 8}),
              planes(resize_antialiased(drawn(17, 10), 3, 8)));
    EXPECT_THAT(input_error([] { photograph_bytes(ppm(drawn(3, 9)), "p", {.crop_height = 4, .crop_width = 4}); }),
                HasSubstr("p has 3 x 9 pixels where its crop needs 4 x 4"));
}

TEST(Photograph, IsTheSameInEveryLosslessFormat) {
    const Array<uint8_t> picture = drawn(12, 10);
    for (const char* ending : {".png", ".webp", ".bmp", ".tiff", ".ppm"})
        EXPECT_EQ(photograph_bytes(picture_file(ending, picture), ending, {}), planes(picture)) << ending;
}

std::string little(uint64_t value, size_t count) {
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i));
    return bytes;
}

/// An uncompressed TIFF of 8 bits: 1 part is a palette or grey by `photometric`, 3 are RGB, 4 are CMYK or RGB and
/// alpha.
std::string tiff(uint32_t width, uint32_t height, int parts, int photometric, int orientation,
                 const std::string& pixels, const std::string& palette = {}) {
    struct Entry {
        int tag, type;
        size_t count, value;
    };
    const bool alpha = parts == 4 && photometric == 2;
    const size_t entries = palette.empty() && !alpha ? 9 : 10, directory = 8, bits = directory + 2 + 12 * entries + 4,
                 colours = bits + 8, start = colours + palette.size();
    std::vector<Entry> list = {{256, 4, 1, width},
                               {257, 4, 1, height},
                               {258, 3, static_cast<size_t>(parts), parts == 1 ? 8 : bits},
                               {262, 3, 1, static_cast<size_t>(photometric)},
                               {273, 4, 1, start},
                               {274, 3, 1, static_cast<size_t>(orientation)},
                               {277, 3, 1, static_cast<size_t>(parts)},
                               {278, 4, 1, height},
                               {279, 4, 1, pixels.size()}};
    if (!palette.empty()) list.push_back({320, 3, palette.size() / 2, colours});
    if (alpha) list.push_back({338, 3, 1, 2});
    std::string file = "II*" + little(0, 1) + little(directory, 4) + little(list.size(), 2);
    for (const Entry& entry : list) {
        file += little(static_cast<size_t>(entry.tag), 2) + little(static_cast<size_t>(entry.type), 2);
        file += little(entry.count, 4) + little(entry.value, 4);
    }
    file += little(0, 4);
    for (int i = 0; i < 4; ++i) file += little(8, 2);
    return file + palette + pixels;
}

TEST(Photograph, ComposesAlphaOnTheBackground) {
    const Array<uint8_t> picture({1, 3, 4}, {200, 20, 10, 255, 200, 20, 10, 0, 200, 20, 10, 51});
    const std::vector<std::pair<std::string, int>> files = {
        // TIFF gives colours times alpha, which costs up to 1
        {picture_file(".png", picture), 0},
        {picture_file(".webp", picture), 0},
        {tiff(3, 1, 4, 2, 1, {picture.data.begin(), picture.data.end()}), 1}};
    for (const auto& [file, most] : files) {
        const Array<uint8_t> seen = photograph_bytes(file, "p", {}, parse_background("white"));
        ASSERT_EQ(seen.shape, (Shape{3, 1, 3}));
        // The last: a fifth of 200, 20 and 10 and four fifths of 255.
        const std::array<int, 9> expected{200, 255, 244, 20, 255, 208, 10, 255, 206};
        for (size_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(seen.data[i], expected[i], most) << file.substr(0, 4) << i;
    }
}

TEST(Photograph, RoundsSixteenBits) {
    std::vector<uint8_t> high_first, low_first;
    for (const int value : {0, 128, 129, 65535})  // 0.498 and 0.502 of a level
        for (int channel = 0; channel < 3; ++channel)
            for (const int shift : {0, 8}) {
                high_first.push_back(static_cast<uint8_t>(value >> (8 - shift)));
                low_first.push_back(static_cast<uint8_t>(value >> shift));
            }
    for (const std::string& file :
         {png_file(4, 1, high_first, {.type = PNG_COLOR_TYPE_RGB, .bits = 16}), tiff_file(4, 1, 3, 16, low_first)})
        EXPECT_THAT(photograph_bytes(file, "p", {}).data, ElementsAre(0, 0, 1, 255, 0, 0, 1, 255, 0, 0, 1, 255))
            << file.substr(0, 4);
}

TEST(Photograph, RepeatsGrey) {
    const Array<uint8_t> picture({1, 2, 1}, {7, 200});
    for (const char* ending : {".png", ".tiff", ".bmp"})
        EXPECT_THAT(photograph_bytes(picture_file(ending, picture), ending, {}).data,
                    ElementsAre(7, 200, 7, 200, 7, 200))
            << ending;
}

/// A VP8X file around the chunk of a simple one, with an EXIF block that states an orientation.
std::string webp_with_orientation(const std::string& simple, uint32_t width, uint32_t height, int orientation) {
    const std::string exif = "II*" + little(0, 1) + little(8, 4) + little(1, 2) + little(0x0112, 2) + little(3, 2) +
                             little(1, 4) + little(static_cast<uint64_t>(orientation), 4) + little(0, 4);
    std::string body = "WEBPVP8X" + little(10, 4) + little(0x08, 4) + little(width - 1, 3) + little(height - 1, 3);
    body += simple.substr(12) + "EXIF" + little(exif.size(), 4) + exif;
    return "RIFF" + little(body.size(), 4) + body;
}

TEST(Photograph, IsTurnedUpright) {
    const std::array<std::vector<int>, 9> upright = {std::vector<int>{}, {0, 1, 2, 3, 4, 5}, {1, 0, 3, 2, 5, 4},
                                                     {5, 4, 3, 2, 1, 0}, {4, 5, 2, 3, 0, 1}, {0, 2, 4, 1, 3, 5},
                                                     {4, 2, 0, 5, 3, 1}, {5, 3, 1, 4, 2, 0}, {1, 3, 5, 0, 2, 4}};
    Array<uint8_t> picture({3, 2, 3});  // three rows of two pixels; pixel i is i in all its colours
    for (size_t i = 0; i < picture.data.size(); ++i) picture.data[i] = static_cast<uint8_t>(i / 3);
    const std::string pixels(picture.data.begin(), picture.data.end()), webp = picture_file(".webp", picture);
    for (int orientation = 1; orientation <= 8; ++orientation) {
        for (const std::string& file :
             {tiff(2, 3, 3, 2, orientation, pixels), webp_with_orientation(webp, 2, 3, orientation)}) {
            const Array<uint8_t> seen = photograph_bytes(file, "p", {});
            EXPECT_EQ(seen.shape, orientation > 4 ? (Shape{3, 2, 3}) : (Shape{3, 3, 2}));
            EXPECT_TRUE(std::ranges::equal(seen.row(0), upright[static_cast<size_t>(orientation)])) << orientation;
        }
    }
}

TEST(Photograph, OfATiffHasPaletteAndCmyk) {
    std::string palette;
    for (const int colour : {0, 1, 2})
        for (int i = 0; i < 256; ++i) palette += little(static_cast<uint64_t>(i == 9 ? (10 + colour) * 257 : 0), 2);
    EXPECT_THAT(photograph_bytes(tiff(2, 1, 1, 3, 1, "\x09\x01", palette), "p", {}).data,
                ElementsAre(10, 0, 11, 0, 12, 0));
    const std::string ink = little(0x00'00'40'ff, 4) + little(0xff'00'00'00, 4);  // cyan and a quarter magenta; black
    EXPECT_THAT(photograph_bytes(tiff(2, 1, 4, 5, 1, ink), "p", {}).data, ElementsAre(0, 0, 191, 0, 255, 0));
}

TEST(Photograph, TooLargeIsRefusedByItsHeader) {
    std::string header = "IHDR" + std::string("\0\0\xEA\x60\0\0\xEA\x60\x08\x02\0\0\0", 13), sum = little(0, 0);
    const auto crc = static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(header.data()), header.size()));
    for (int shift = 24; shift >= 0; shift -= 8) sum += static_cast<char>(crc >> shift);
    const std::string png =
        "\x89PNG\r\n\x1a\n" + std::string("\0\0\0\x0d", 4) + header + sum + std::string("\0\0\0\0IDAT", 8);
    for (const std::string& file : {png, tiff(60000, 60000, 3, 2, 1, "abc")})
        EXPECT_THAT(input_error([&] { photograph_bytes(file, "large", {}); }),
                    HasSubstr("large has 60000 x 60000 pixels, more than 64 million"));
}

TEST(Photograph, DamageIsToldWhereverItIs) {
    const Array<uint8_t> picture = drawn(16, 16);
    for (const char* ending : {".webp", ".tiff", ".png", ".jpg"}) {
        const std::string whole = picture_file(ending, picture);
        for (size_t length = 0; length < whole.size() - 1; length += 1 + whole.size() / 97)
            EXPECT_NE(input_error([&] { photograph_bytes(std::string_view(whole).substr(0, length), "part", {}); }), "")
                << ending << " of " << length;
        for (size_t place = 0; place < whole.size(); ++place) {  // some changes are no damage, but none may crash
            std::string other = whole;
            other[place] = static_cast<char>(other[place] ^ 0xff);
            input_error([&] { photograph_bytes(other, "other", {}); });
        }
    }
    EXPECT_THAT(input_error([] { photograph_bytes("hello", "text", {}); }),
                HasSubstr("text is not a PNG, JPEG, WebP, TIFF"));
}

}  // namespace
}  // namespace spikelens

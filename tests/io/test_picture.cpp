#include <algorithm>
#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/io/picture.h"

#include "support/errors.h"
#include "support/picture_files.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::HasSubstr;

FloatArray noise(Shape shape) {
    FloatArray image(std::move(shape));
    for (int64_t i = 0; i < image.size(); ++i)
        image.data[i] = static_cast<float>(random_uniform(7, Stream::test, {static_cast<uint64_t>(i)}));
    return image;
}

class Picture : public testing::Test {
  protected:
    void write_bytes(const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
    FloatArray read(const std::string& bytes, int64_t channels, int64_t height, int64_t width) {
        write_bytes(bytes);
        return read_picture(path, channels, height, width).image;
    }
    std::string error_of(const std::string& bytes) {
        return input_error([&] { read(bytes, 1, 4, 4); });
    }
    static std::string encoded(const std::string& extension, int64_t channels) {
        Array<uint8_t> picture({24, 16, channels});
        for (size_t i = 0; i < picture.data.size(); ++i) picture.data[i] = static_cast<uint8_t>(i * 7);
        return picture_file(extension, picture);
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "picture";
};

TEST_F(Picture, PngComesBackWithinHalfALevel) {
    for (int64_t channels : {1, 3}) {
        const FloatArray image = noise({channels, 13, 7});
        write_png(path, image);
        const FloatArray read = read_picture(path, channels, 13, 7).image;
        ASSERT_EQ(read.shape, image.shape);
        for (int64_t i = 0; i < image.size(); ++i) ASSERT_NEAR(read.data[i], image.data[i], 0.5001 / 255);
    }
}

TEST_F(Picture, BytesAreExactAndColoursAreRgb) {
    write_png(path, FloatArray({3, 1, 2}, {1, 0, 0.2F, 0, 0, 2}));  // red with a little green; blue, clamped
    const FloatArray read = read_picture(path, 3, 1, 2).image;
    EXPECT_EQ(read.data, (std::vector<float>{1, 0, 51 / 255.0F, 0, 0, 1}));
    EXPECT_EQ(read_file(path).substr(1, 3), "PNG");
}

TEST_F(Picture, GreyIsTheWeightedSumAndGreyFilesStayExact) {
    const std::string ppm = std::string("P6 2 1 255\n") + "\xff" + std::string(2, '\0') + std::string(2, '\0') + "\xff";
    const FloatArray grey = read(ppm, 1, 1, 2);
    EXPECT_NEAR(grey.data[0], 0.299, 0.5 / 255);
    EXPECT_NEAR(grey.data[1], 0.114, 0.5 / 255);
    EXPECT_EQ(read(std::string("P5 # comment\n3 1\n255\n\x01\x80\xff", 24), 1, 1, 3).data,
              (std::vector<float>{1 / 255.0F, 128 / 255.0F, 1}));
}

TEST_F(Picture, SixteenBitsAreKept) {
    const FloatArray grey = read(std::string("P5 1 1 65535\n\x01\x00", 15), 1, 1, 1);
    EXPECT_EQ(grey.data[0], 256 / 65535.0F);
}

TEST_F(Picture, ResizingAveragesAreasAndInterpolates) {
    write_png(path, FloatArray({1, 2, 4}, {0, 0.2F, 1, 1, 0.4F, 0.6F, 1, 0}));
    const FloatArray small = read_picture(path, 1, 1, 2).image;
    EXPECT_NEAR(small.data[0], 0.3, 1e-6);
    EXPECT_NEAR(small.data[1], 0.75, 1e-6);
    write_png(path, FloatArray({1, 1, 2}, {0, 1}));
    const FloatArray large = read_picture(path, 1, 1, 4).image;  // pixel centres: 0, 1/4, 3/4, 1
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(large.data[i], (std::vector{0.0, 0.25, 0.75, 1.0}[i]), 1e-6);
}

TEST_F(Picture, EveryFormatIsRead) {
    for (const char* extension : {".png", ".jpg", ".bmp", ".ppm"})
        for (int channels : {1, 3}) {
            EXPECT_EQ(read(encoded(extension, 3), channels, 24, 16).shape, (Shape{channels, 24, 16})) << extension;
            EXPECT_EQ(error_of(encoded(extension, 3)), "") << extension;
        }
    EXPECT_THAT(error_of("GIF89a............................"), HasSubstr("is not a PNG, JPEG"));
    EXPECT_THAT(error_of(""), HasSubstr("is not a PNG, JPEG"));
}

TEST_F(Picture, LosslessFormatsAgree) {
    const FloatArray png = read(encoded(".png", 3), 3, 24, 16);
    EXPECT_EQ(read(encoded(".bmp", 3), 3, 24, 16), png);
    EXPECT_EQ(read(encoded(".ppm", 3), 3, 24, 16), png);
}

/// A BMP of 2×2 pixels with masks of red, green, blue and alpha (0: none), its first row last.
std::string masked_bmp(const std::array<uint32_t, 4>& masks, const std::array<uint32_t, 4>& pixels, int bits = 32,
                       int header = 108) {
    const auto word = [](uint32_t value, int bytes = 4) {
        std::string text;
        for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 0xFF);
        return text;
    };
    std::string rest = word(header) + word(2) + word(2) + word(1, 2) + word(static_cast<uint32_t>(bits), 2) + word(3);
    rest += std::string(20, '\0');
    for (size_t c = 0; c < (header < 56 ? 3U : 4U); ++c) rest += word(masks[c]);
    rest.resize(std::max(rest.size(), static_cast<size_t>(header)), '\0');
    const uint32_t offset = 14 + static_cast<uint32_t>(rest.size());
    for (const size_t i : {2, 3, 0, 1}) rest += word(pixels[i], bits / 8);
    return "BM" + word(offset + static_cast<uint32_t>(4 * bits / 8)) + word(0) + word(offset) + rest;
}

TEST_F(Picture, BmpWithAlphaIsComposedAsPngIs) {
    const std::array<uint32_t, 4> usual{0xFF0000, 0xFF00, 0xFF, 0xFF000000};
    const std::array<uint32_t, 4> pixels{0xFFFF0000, 0x8000FF00, 0x000000FF, 0xFF336699};
    const auto composed = [](double colour, double alpha) { return static_cast<float>(alpha * colour + 1 - alpha); };
    const float half = composed(0, 128 / 255.0);
    const std::vector<float> expected{1, half, 1, 0.2F, 0, composed(1, 128 / 255.0), 1, 0.4F, 0, half, 1, 0.6F};
    write_file(path, masked_bmp(usual, pixels));
    const auto read_on_white = [&] { return read_picture(path, 3, 2, 2, parse_background("white")); };
    const auto [image, changes] = read_on_white();
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(image.data[i], expected[i], 1e-6) << i;
    EXPECT_THAT(changes, testing::Contains(HasSubstr("composed on white")));
    std::array<uint32_t, 4> turned = pixels;  // red and blue change places
    for (uint32_t& pixel : turned) pixel = (pixel & 0xFF00FF00) | (pixel & 0xFF) << 16 | (pixel >> 16 & 0xFF);
    write_file(path, masked_bmp({0xFF, 0xFF00, 0xFF0000, 0xFF000000}, turned, 32, 124));
    EXPECT_EQ(read_on_white().image, image);
}

TEST_F(Picture, BmpMasksSayWhereColoursAre) {
    const std::vector<float> expected{1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1};
    EXPECT_EQ(read(masked_bmp({0xF800, 0x7E0, 0x1F, 0}, {0xF800, 0x7E0, 0x1F, 0xFFFF}, 16, 40), 3, 2, 2).data,
              expected);
    EXPECT_EQ(read(masked_bmp({0xFF, 0xFF00, 0xFF0000, 0}, {0xFF, 0xFF00, 0xFF0000, 0xFFFFFF}, 32, 40), 3, 2, 2).data,
              expected);
    EXPECT_EQ(read(masked_bmp({0xF00, 0xF0, 0xF, 0xF000}, {0xFF00, 0xF0F0, 0xF00F, 0xFFFF}, 16), 3, 2, 2).data,
              expected);
    for (const std::array<uint32_t, 4>& masks :
         {std::array<uint32_t, 4>{0, 0xFF00, 0xFF0000, 0}, {0xF0F, 0xF000, 0xF0000, 0}})
        EXPECT_THAT(error_of(masked_bmp(masks, {1, 2, 3, 4})), HasSubstr("mask of a colour"));
    const std::string whole = masked_bmp({0xFF, 0xFF00, 0xFF0000, 0xFF000000}, {1, 2, 3, 4});
    for (size_t length = 0; length < whole.size(); ++length) EXPECT_NE(error_of(whole.substr(0, length)), "") << length;
}

TEST_F(Picture, ValuesAreSharesOfTheLargestOne) {
    EXPECT_EQ(read("P5 2 1 15\n" + std::string("\x0f\x03", 2), 1, 1, 2).data, (std::vector<float>{1, 0.2F}));
    EXPECT_EQ(read("P5 2 1 1000\n" + std::string("\x03\xe8\x01\xf4", 4), 1, 1, 2).data, (std::vector<float>{1, 0.5F}));
    EXPECT_THAT(error_of("P5 4 1 15\n\x10\x01\x02\x03"), HasSubstr("larger than its header allows"));
}

TEST_F(Picture, EnormousPicturesAreRefusedBeforeDecoding) {
    EXPECT_THAT(error_of("P5 100000 100000 255\n"), HasSubstr("more than 64 million"));
    std::string png = encoded(".png", 1);
    png[16] = '\x7f';
    const uint32_t crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17));
    for (int i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
    EXPECT_THAT(error_of(png), HasSubstr("more than 64 million"));
    std::string bmp = encoded(".bmp", 1);
    bmp[20] = bmp[24] = '\x7f';
    EXPECT_THAT(error_of(bmp), HasSubstr("more than 64 million"));
}

TEST_F(Picture, BrokenPicturesAreInputErrors) {
    EXPECT_THAT(error_of("hello"), HasSubstr("is not a PNG, JPEG, WebP, TIFF, uncompressed BMP"));
    for (const char* extension : {".png", ".jpg", ".bmp", ".pgm"}) {
        const std::string whole = encoded(extension, 1);
        for (size_t length = 0; length < whole.size() - 12; length += 5)
            EXPECT_NE(error_of(whole.substr(0, length)), "") << extension << length;
    }
    const std::string png = encoded(".png", 3);
    for (size_t place = 0; place < png.size(); ++place) {  // every bit is under a checksum
        std::string bytes = png;
        bytes[place] = static_cast<char>(bytes[place] ^ (1 << place % 8));
        EXPECT_NE(error_of(bytes), "") << place;
    }
    std::filesystem::remove(path);
    EXPECT_THAT(input_error([&] { read_picture(path, 1, 4, 4); }), HasSubstr("there is no file"));
    EXPECT_NE(input_error([&] { read_picture(path, 2, 4, 4); }), "");
}

TEST_F(Picture, UnwritableImagesAreInputErrors) {
    EXPECT_THAT(input_error([&] { write_png(path, FloatArray({2, 4, 4})); }), HasSubstr("[2, 4, 4]"));
    EXPECT_THAT(input_error([&] { write_png(path, FloatArray({1, 1, 1}, {NAN})); }), HasSubstr("not finite"));
    EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace spikelens

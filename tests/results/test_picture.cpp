#include <algorithm>
#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <opencv2/imgcodecs.hpp>
#include <zlib.h>

#include "spikelens/core/files.h"
#include "spikelens/core/random.h"
#include "spikelens/results/picture.h"

#include "model_io/errors.h"
#include "model_io/temporary_folder.h"
#include "results/picture_size.h"

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
        return read_picture(path, channels, height, width);
    }
    std::string error_of(const std::string& bytes) {
        return input_error([&] { read(bytes, 1, 4, 4); });
    }
    static std::string encoded(const std::string& extension, int type) {
        cv::Mat pixels(24, 16, type);
        for (size_t i = 0; i < pixels.total() * pixels.elemSize(); ++i) pixels.data[i] = static_cast<uchar>(i * 7);
        std::vector<uchar> bytes;
        cv::imencode(extension, pixels, bytes);
        return {bytes.begin(), bytes.end()};
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "picture";
};

TEST_F(Picture, PngComesBackWithinHalfALevel) {
    for (int64_t channels : {1, 3}) {
        const FloatArray image = noise({channels, 13, 7});
        write_png(path, image);
        const FloatArray read = read_picture(path, channels, 13, 7);
        ASSERT_EQ(read.shape, image.shape);
        for (int64_t i = 0; i < image.size(); ++i) ASSERT_NEAR(read.data[i], image.data[i], 0.5001 / 255);
    }
}

TEST_F(Picture, BytesAreExactAndColoursAreRgb) {
    write_png(path, FloatArray({3, 1, 2}, {1, 0, 0.2F, 0, 0, 2}));  // red with a little green; blue, clamped
    const FloatArray read = read_picture(path, 3, 1, 2);
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
    const FloatArray small = read_picture(path, 1, 1, 2);
    EXPECT_NEAR(small.data[0], 0.3, 1e-6);
    EXPECT_NEAR(small.data[1], 0.75, 1e-6);
    write_png(path, FloatArray({1, 1, 2}, {0, 1}));
    const FloatArray large = read_picture(path, 1, 1, 4);  // pixel centres: 0, 1/4, 3/4, 1
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(large.data[i], (std::vector{0.0, 0.25, 0.75, 1.0}[i]), 1e-6);
}

TEST_F(Picture, SizesAreFoundWithoutDecoding) {
    for (const char* extension : {".png", ".jpg", ".bmp", ".ppm"}) {
        const std::optional<PictureSize> size = picture_size(encoded(extension, CV_8UC3));
        ASSERT_TRUE(size) << extension;
        EXPECT_EQ(size->width, 16) << extension;
        EXPECT_EQ(size->height, 24) << extension;
        EXPECT_EQ(error_of(encoded(extension, CV_8UC3)), "") << extension;
    }
    EXPECT_FALSE(picture_size("GIF89a............................"));
    EXPECT_FALSE(picture_size(""));
}

TEST_F(Picture, EnormousPicturesAreRefusedBeforeDecoding) {
    EXPECT_THAT(error_of("P5 100000 100000 255\n"), HasSubstr("more than 64 million"));
    std::string png = encoded(".png", CV_8UC1);
    png[16] = '\x7f';
    const uint32_t crc = static_cast<uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(png.data() + 12), 17));
    for (int i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(crc >> (24 - 8 * i));
    EXPECT_THAT(error_of(png), HasSubstr("more than 64 million"));
    std::string bmp = encoded(".bmp", CV_8UC1);
    bmp[20] = bmp[24] = '\x7f';
    EXPECT_THAT(error_of(bmp), HasSubstr("more than 64 million"));
}

TEST_F(Picture, BrokenPicturesAreInputErrors) {
    EXPECT_THAT(error_of("hello"), HasSubstr("not a whole PNG, JPEG, uncompressed BMP"));
    for (const char* extension : {".png", ".jpg", ".bmp", ".pgm"}) {
        const std::string whole = encoded(extension, CV_8UC1);
        for (size_t length = 0; length < whole.size() - 12; length += 5)
            EXPECT_NE(error_of(whole.substr(0, length)), "") << extension << length;
    }
    const std::string png = encoded(".png", CV_8UC3);
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

TEST(ColourMap, HeatGoesFromBlackToPaleEvenlyBrighter) {
    const FloatArray picture = colour_map(ramp(256, -3, 5), Colours::heat);
    EXPECT_EQ(picture.shape, (Shape{3, 1, 256}));
    EXPECT_LT(lightness(pixel(picture, 0)), 1);
    EXPECT_GT(lightness(pixel(picture, 255)), 95);
    for (int64_t i = 1; i < 256; ++i) EXPECT_GT(lightness(pixel(picture, i)), lightness(pixel(picture, i - 1)) - 0.6F) << i;
    EXPECT_NEAR(lightness(pixel(picture, 128)), 50, 8);
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

TEST(Overlay, IsTheFormulaOnFourPixels) {
    const FloatArray image({1, 2, 2}, {1, 0.5F, 0, 0.25F});
    const FloatArray map({2, 2}, {2, 4, 2, 4});  // normalised: 0 1 0 1, so JET gives (0, 0, 128) and (128, 0, 0)
    const float half = 128 / 255.0F;
    // 0.6·heat + 0.4·image; the brightest is pixel 0 in blue.
    const float brightest = 0.6F * half + 0.4F;
    const std::vector<std::vector<float>> expected = {{0.4F, 0.4F, 0.6F * half + 0.4F},
                                                      {0.6F * half + 0.2F, 0.2F, 0.2F},
                                                      {0, 0, 0.6F * half},
                                                      {0.6F * half + 0.1F, 0.1F, 0.1F}};
    const FloatArray picture = overlay(image, map);
    ASSERT_EQ(picture.shape, (Shape{3, 2, 2}));
    for (int64_t i = 0; i < 4; ++i)
        for (int64_t c = 0; c < 3; ++c) EXPECT_NEAR(pixel(picture, i)[c], expected[i][c] / brightest, 1e-6) << i << " " << c;
    FloatArray coloured({3, 2, 2});
    for (int64_t i = 0; i < 12; ++i) coloured.data[i] = image.data[i % 4];
    EXPECT_EQ(overlay(coloured, map), picture);
}

TEST(Overlay, OfNothingOnBlackIsUniform) {
    const FloatArray picture = overlay(FloatArray({1, 2, 2}), FloatArray({2, 2}));
    for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(pixel(picture, i), (std::vector<float>{0, 0, 1}));
    EXPECT_NE(input_error([] { overlay(FloatArray({1, 2, 3}), FloatArray({2, 2})); }), "");
}

TEST(Enlarge, RepeatsPixels) {
    const FloatArray image({2, 1, 2}, {1, 2, 3, 4});
    EXPECT_EQ(enlarge(image, 2), FloatArray({2, 2, 4}, {1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4}));
    EXPECT_EQ(enlarge(image, 1), image);
    EXPECT_NE(input_error([&] { enlarge(image, 0); }), "");
}

}  // namespace
}  // namespace spikelens

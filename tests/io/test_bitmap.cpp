#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "io/decode_picture.h"
#include "support/errors.h"
#include "support/picture_files.h"

namespace spikelens {
namespace {

using testing::HasSubstr;

uint32_t drawn(uint64_t i, uint64_t below) {
    return static_cast<uint32_t>(random_uniform(5, Stream::test, {i}) * static_cast<double>(below));
}

std::vector<uint32_t> drawn_values(uint64_t from, size_t count, uint64_t below) {
    std::vector<uint32_t> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = drawn(from + i, below);
    return values;
}

std::vector<uint8_t> rgb(const std::vector<uint32_t>& pixels, const std::vector<uint32_t>& colours) {
    std::vector<uint8_t> bytes;
    for (const uint32_t pixel : pixels)
        for (const int shift : {16, 8, 0})
            bytes.push_back(static_cast<uint8_t>((colours.empty() ? pixel : colours[pixel]) >> shift));
    return bytes;
}

std::string error_of(const std::string& file) {
    return input_error([&] { decode_picture(file, "b"); });
}

TEST(Bitmap, OfEveryKindIsReadToThePixel) {
    uint64_t draw = 0;
    for (const int bits : {1, 4, 8, 24, 32})
        for (uint32_t width = 1; width <= 40; ++width) {
            draw += 10'000;
            const uint32_t height = 1 + drawn(draw, 5);
            BmpParts parts{.bits = bits};
            parts.from_top = drawn(draw + 1, 2) == 1;
            parts.header = std::array{40U, 108U, 124U}.at(drawn(draw + 2, 3));
            parts.gap = drawn(draw + 3, 9);
            if (bits <= 8) {
                parts.states_colours = drawn(draw + 4, 2) == 1;
                const uint32_t most = 1U << bits, count = parts.states_colours ? 1 + drawn(draw + 5, most) : most;
                parts.colours = drawn_values(draw + 6, count, uint64_t{1} << 32);
            }
            const std::vector<uint32_t> pixels = drawn_values(draw + 1000, size_t{width} * height,
                                                              bits <= 8 ? parts.colours.size() : uint64_t{1} << bits);
            const DecodedPicture picture = decode_picture(bmp_file(width, height, pixels, parts), "b");
            EXPECT_EQ(picture.width, width);
            EXPECT_EQ(picture.height, height);
            EXPECT_EQ(picture.channels, 3);
            EXPECT_EQ(picture.bytes, rgb(pixels, parts.colours)) << bits << " bits, width " << width;
        }
}

TEST(Bitmap, PixelsWithoutAColourAreDamage) {
    const std::vector<uint32_t> three{1, 2, 3};
    for (const int bits : {4, 8}) {
        EXPECT_EQ(error_of(bmp_file(3, 1, {0, 1, 2}, {.bits = bits, .colours = three})), "");
        EXPECT_THAT(error_of(bmp_file(3, 1, {0, 1, 3}, {.bits = bits, .colours = three})),
                    HasSubstr("b cannot be decoded: a pixel's colour is not in its table of colours"));
    }
    EXPECT_THAT(error_of(bmp_file(2, 1, {0, 1}, {.bits = 1, .colours = {7}})), HasSubstr("table of colours"));
    // A table that is not stated has all colours; here it would reach into the pixels.
    EXPECT_THAT(error_of(bmp_file(3, 1, {0, 1, 2}, {.bits = 8, .colours = three, .states_colours = false})),
                HasSubstr("its header contradicts itself"));
}

TEST(Bitmap, DamageIsToldAndNeverCrashes) {
    for (const int bits : {1, 4, 8, 24, 32}) {
        const std::vector<uint32_t> colours =
            bits <= 8 ? std::vector<uint32_t>(1U << bits, 9) : std::vector<uint32_t>();
        const std::string whole = bmp_file(9, 4, std::vector<uint32_t>(36, 1), {.bits = bits, .colours = colours});
        for (size_t length = 0; length < whole.size(); ++length)
            EXPECT_NE(error_of(whole.substr(0, length)), "") << bits << " bits, " << length << " bytes";
        for (size_t place = 0; place < 54; ++place)
            for (const int change : {1, 0x80, 0xff}) {
                std::string other = whole;
                other[place] = static_cast<char>(other[place] ^ change);
                error_of(other);
            }
    }
    for (const int bits : {0, 2, 16, 64})
        EXPECT_THAT(error_of(bmp_file(1, 1, {1}, {.bits = bits})), HasSubstr("only uncompressed BMP")) << bits;
}

}  // namespace
}  // namespace spikelens

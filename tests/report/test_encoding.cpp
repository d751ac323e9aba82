#include <cmath>
#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>
#include <zlib.h>

#include "spikelens/core/error.h"

#include "report/bytes.h"
#include "report/html.h"
#include "report/numbers.h"
#include "report/page.h"
#include "report/png.h"

namespace spikelens::report {
namespace {

std::string inflated(const std::string& packed, size_t size) {
    std::string bytes(size + 1, '\0');
    uLongf length = bytes.size();
    EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(bytes.data()), &length, reinterpret_cast<const Bytef*>(packed.data()),
                         packed.size()),
              Z_OK);
    bytes.resize(length);
    return bytes;
}

uint32_t big_endian(const std::string& bytes, size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes.at(at + i));
    return value;
}

/// Content of the chunks of a PNG by type, each with its checksum verified.
std::string chunk_of(const std::string& file, const std::string& wanted) {
    std::string found;
    for (size_t at = 8; at < file.size();) {
        const uint32_t length = big_endian(file, at);
        const std::string body = file.substr(at + 4, 4 + length);
        EXPECT_EQ(big_endian(file, at + 8 + length),
                  crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())));
        if (body.substr(0, 4) == wanted) found += body.substr(4);
        at += 12 + length;
    }
    return found;
}

TEST(Html, TextLeavesNoMarkup) {
    EXPECT_EQ(Html("<script>alert('1' & \"2\")</script>").markup(),
              "&lt;script&gt;alert(&#39;1&#39; &amp; &quot;2&quot;)&lt;/script&gt;");
    EXPECT_EQ(Html(std::string_view("a\0b\xff", 4)).markup(), "a\\x00b\\xff");
    EXPECT_EQ(Html("Bücher").markup(), "Bücher");
}

TEST(Html, ElementsHaveClassesAttributesAndChildren) {
    EXPECT_EQ(tag("td.number.paper", {{"data-value", 0.25}, {"hidden", true}, {"open", false}}, "a<b", tag("b", "c"))
                  .markup(),
              "<td class=\"number paper\" data-value=\"0.25\" hidden>a&lt;b<b>c</b></td>");
    EXPECT_EQ(tag("img", {{"alt", "\"x\""}}).markup(), "<img alt=\"&quot;x&quot;\"/>");
    EXPECT_EQ(tag("span").markup(), "<span></span>");
}

TEST(Html, EmbeddedTextCannotEndItsElement) {
    EXPECT_EQ(Html::embedded("script", {{"id", "a"}}, "1 < 2").markup(), "<script id=\"a\">1 < 2</script>\n");
    EXPECT_THROW(Html::embedded("script", {}, "</ScRiPt>"), std::logic_error);
    EXPECT_THROW(Html::embedded("script", {}, "<!-- "), std::logic_error);
}

TEST(Identifier, IsSafeAndKeepsNamesApart) {
    EXPECT_EQ(identifier("conv2.17"), "conv2.17");
    EXPECT_NE(identifier("a b"), identifier("a_b"));
    EXPECT_EQ(identifier("\"><x").find_first_of("\"<> "), std::string::npos);
}

TEST(Numbers, AreWrittenForReaders) {
    EXPECT_EQ(percent(0.8894), "88.9\u00a0%");
    EXPECT_EQ(decimal(-0.0001), "0.000");
    EXPECT_EQ(decimal(-0.25, 2), "−0.25");
    EXPECT_EQ(decimal(std::numeric_limits<double>::quiet_NaN()), "—");
    EXPECT_EQ(count(1234567), "1,234,567");
    EXPECT_EQ(count(999), "999");
    EXPECT_EQ(interval(0.1, std::numeric_limits<double>::quiet_NaN()), "");
    EXPECT_EQ(plural(1, "filter"), "1 filter");
}

TEST(Base64, VectorsOfTheStandard) {
    const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                      {"f", "Zg=="},
                                                                      {"fo", "Zm8="},
                                                                      {"foo", "Zm9v"},
                                                                      {"foob", "Zm9vYg=="},
                                                                      {"fooba", "Zm9vYmE="},
                                                                      {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(Deflate, ComesBack) {
    std::string bytes;
    for (int i = 0; i < 5000; ++i) bytes += static_cast<char>(i * i >> 3);
    EXPECT_EQ(inflated(deflate(bytes), bytes.size()), bytes);
    EXPECT_EQ(inflated(deflate(""), 0), "");
}

TEST(PolicyHash, OfTheEmptyText) {
    EXPECT_EQ(policy_hash(""), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
}

TEST(Png, GreyPixelsAreThere) {
    const std::string file = png(FloatArray({1, 2, 3}, std::vector<float>{0, 0.5F, 1, 2, -1, std::nanf("")}));
    EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
    const std::string header = chunk_of(file, "IHDR");
    EXPECT_EQ(big_endian(header, 0), 3U);
    EXPECT_EQ(big_endian(header, 4), 2U);
    EXPECT_EQ(inflated(chunk_of(file, "IDAT"), 8), (std::string{0, 0, '\x80', '\xff', 0, '\xff', 0, 0}));
}

TEST(Png, ColoursAreInterleaved) {
    const std::string file = png(FloatArray({3, 1, 1}, std::vector<float>{1, 0, 0.2F}));
    EXPECT_EQ(inflated(chunk_of(file, "IDAT"), 4), (std::string{0, '\xff', 0, 51}));
}

TEST(Png, PaletteIsCarried) {
    const std::vector<uint8_t> entries = {0, 255};
    const std::string file = png(entries, 1, 2, sequential_palette());
    EXPECT_EQ(chunk_of(file, "PLTE"), palette_bytes(sequential_palette()));
    EXPECT_EQ(inflated(chunk_of(file, "IDAT"), 3), (std::string{0, 0, '\xff'}));
}

TEST(Png, TwoChannelsArePolarities) {
    const std::string file = png(FloatArray({2, 1, 4}, std::vector<float>{0, 1, 0, 0.5F, 0, 0, 1, 0.5F}));
    const std::string off("\x00\x72\xb2", 3), on("\xe6\x73\x00", 3), both("\x73\x73\x59");
    EXPECT_EQ(inflated(chunk_of(file, "IDAT"), 13), std::string(1, '\0') + "\xff\xff\xff" + off + on + both);
}

/// The pixels of a picture written by drawing_png.
std::vector<Rgb> decoded(const std::string& file, size_t height, size_t width) {
    const std::string rows = inflated(chunk_of(file, "IDAT"), height * (width + 1)), palette = chunk_of(file, "PLTE");
    std::vector<Rgb> pixels;
    for (size_t i = 0; i < rows.size(); ++i) {
        if (i % (width + 1) == 0) continue;
        const size_t entry = 3U * static_cast<uint8_t>(rows[i]);
        pixels.push_back({static_cast<uint8_t>(palette.at(entry)), static_cast<uint8_t>(palette.at(entry + 1)),
                          static_cast<uint8_t>(palette.at(entry + 2))});
    }
    return pixels;
}

TEST(DrawingPng, FewColoursAreExact) {
    FloatArray drawing({3, 4, 64});
    for (size_t i = 0; i < 256; ++i) {
        drawing.data[i] = static_cast<float>(i % 8) * 36 / 255;
        drawing.data[256 + i] = static_cast<float>(i / 8 % 8) * 36 / 255;
        drawing.data[512 + i] = static_cast<float>(i / 64) * 85 / 255;
    }
    const auto pixels = decoded(drawing_png(drawing), 4, 64);
    ASSERT_EQ(pixels.size(), 256U);
    for (size_t i = 0; i < 256; ++i) {
        EXPECT_EQ(pixels[i].r, i % 8 * 36);
        EXPECT_EQ(pixels[i].g, i / 8 % 8 * 36);
        EXPECT_EQ(pixels[i].b, i / 64 * 85);
    }
}

TEST(DrawingPng, RareColoursStayThemselves) {
    FloatArray drawing({3, 100, 100});  // a gradient of thousands of colours without red, and one red pixel
    for (size_t i = 0; i < 10000; ++i) {
        drawing.data[10000 + i] = static_cast<float>(i % 100) / 99;
        drawing.data[20000 + i] = static_cast<float>(i / 100) / 99;
    }
    drawing.data[5050] = 1;
    drawing.data[15050] = drawing.data[25050] = 0;
    const auto pixels = decoded(drawing_png(drawing), 100, 100);
    EXPECT_EQ(pixels[5050].r, 255);
    EXPECT_EQ(pixels[5050].g, 0);
    for (size_t i = 0; i < 10000; ++i) {
        ASSERT_NEAR(pixels[i].g, 255.0F * drawing.data[10000 + i], 26) << i;
        ASSERT_NEAR(pixels[i].b, 255.0F * drawing.data[20000 + i], 26) << i;
    }
    EXPECT_EQ(drawing_png(drawing), drawing_png(drawing));
}

TEST(DrawingPng, RefusesOtherShapes) {
    EXPECT_THROW(drawing_png(FloatArray({1, 4, 4})), InputError);
    EXPECT_THROW(drawing_png(FloatArray()), InputError);
}

TEST(Palettes, LightnessTellsTheOrder) {
    const auto lightness = [](Rgb c) { return 0.2126 * c.r + 0.7152 * c.g + 0.0722 * c.b; };
    for (size_t i = 1; i < 256; ++i)
        EXPECT_LE(lightness(sequential_palette()[i]), lightness(sequential_palette()[i - 1]) + 1) << i;
    for (size_t i = 1; i < 128; ++i)
        EXPECT_GE(lightness(diverging_palette()[i]), lightness(diverging_palette()[i - 1])) << i;
    for (size_t i = 128; i < 256; ++i)
        EXPECT_LE(lightness(diverging_palette()[i]), lightness(diverging_palette()[i - 1])) << i;
    EXPECT_EQ(diverging_palette()[127], (Rgb{255, 255, 255}));
}

TEST(Shrink, AveragesBlocks) {
    const FloatArray small = shrink(FloatArray({1, 2, 4}, std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}), 2);
    EXPECT_EQ(small, FloatArray({1, 1, 2}, std::vector<float>{2.5F, 4.5F}));
}

TEST(Quantise, ErrorIsAtMostHalfAStep) {
    const FloatArray map({2, 3}, std::vector<float>{-1, 0, 0.3F, 0.77F, 2, 1.999F});
    const QuantisedMap quantised = quantise(map);
    ASSERT_EQ(quantised.state, QuantisedMap::State::values);
    for (size_t i = 0; i < map.data.size(); ++i)
        EXPECT_NEAR(quantised.low + quantised.steps[i] / 255.0 * (quantised.high - quantised.low), map.data[i],
                    3.0 / 510 + 1e-6);
}

TEST(Quantise, NamesWhatCannotBePainted) {
    EXPECT_EQ(quantise(FloatArray({2, 2})).state, QuantisedMap::State::zero);
    EXPECT_EQ(quantise(FloatArray({2, 2}, 0.5F)).state, QuantisedMap::State::constant);
    const QuantisedMap broken = quantise(FloatArray({1, 3}, std::vector<float>{0, std::nanf(""), 1.0F / 0.0F}));
    EXPECT_EQ(broken.state, QuantisedMap::State::invalid);
    EXPECT_EQ(broken.invalid, 2);
}

}  // namespace
}  // namespace spikelens::report

#include "png.h"

#include <algorithm>
#include <cmath>

#include <zlib.h>

#include "spikelens/draw/colour.h"

#include "bytes.h"

namespace spikelens::report {
namespace {

struct Extent {
    int64_t channels, height, width;
};

Extent extent_of(const FloatArray& image) {
    const size_t axes = image.shape.size();
    return {axes > 2 ? image.shape[axes - 3] : 1, image.shape.at(axes - 2), image.shape.at(axes - 1)};
}

std::string big_endian(uint32_t value) {
    std::string bytes(4, '\0');
    for (int i = 0; i < 4; ++i) bytes[static_cast<size_t>(i)] = static_cast<char>(value >> (24 - 8 * i));
    return bytes;
}

std::string chunk(const std::string& type, const std::string& content) {
    const std::string body = type + content;
    const auto check = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
    return big_endian(static_cast<uint32_t>(content.size())) + body + big_endian(static_cast<uint32_t>(check));
}

enum class ColourType : char { grey = 0, rgb = 2, indexed = 3 };

/// `rows`: scanlines, each led by filter type 0.
std::string file(ColourType type, int64_t height, int64_t width, const std::string& palette, const std::string& rows) {
    const std::string header = big_endian(static_cast<uint32_t>(width)) + big_endian(static_cast<uint32_t>(height)) +
                               std::string{8, static_cast<char>(type), 0, 0, 0};
    return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + (palette.empty() ? "" : chunk("PLTE", palette)) +
           chunk("IDAT", deflate(rows)) + chunk("IEND", "");
}

char to_byte(float value) {
    return std::isfinite(value) ? static_cast<char>(std::lround(255 * std::clamp(value, 0.0F, 1.0F))) : '\0';
}

FloatArray as_drawable(const FloatArray& image) {
    const auto [channels, height, width] = extent_of(image);
    if (channels == 1 || channels == 3) return image;
    if (channels == 2) return drawable(image);
    FloatArray grey({1, height, width});
    for (int64_t c = 0; c < channels; ++c)
        for (int64_t p = 0; p < height * width; ++p)
            grey.data[static_cast<size_t>(p)] +=
                image.data[static_cast<size_t>(c * height * width + p)] / static_cast<float>(channels);
    return grey;
}

}  // namespace

std::string png(const FloatArray& image) {
    const FloatArray drawn = as_drawable(image);
    const auto [channels, height, width] = extent_of(drawn);
    std::string rows;
    for (int64_t y = 0; y < height; ++y) {
        rows += '\0';
        for (int64_t x = 0; x < width; ++x)
            for (int64_t c = 0; c < channels; ++c)
                rows += to_byte(drawn.data[static_cast<size_t>((c * height + y) * width + x)]);
    }
    return file(channels == 3 ? ColourType::rgb : ColourType::grey, height, width, {}, rows);
}

std::string png(std::span<const uint8_t> entries, int64_t height, int64_t width, const Palette& palette) {
    std::string rows;
    for (int64_t y = 0; y < height; ++y) {
        rows += '\0';
        for (int64_t x = 0; x < width; ++x) rows += static_cast<char>(entries[static_cast<size_t>(y * width + x)]);
    }
    return file(ColourType::indexed, height, width, palette_bytes(palette), rows);
}

std::string data_uri(const std::string& png_bytes) { return "data:image/png;base64," + base64(png_bytes); }

FloatArray shrink(const FloatArray& image, int64_t side) {
    const auto [channels, height, width] = extent_of(image);
    const int64_t block = (std::max(height, width) + side - 1) / side;
    if (block <= 1) return image;
    FloatArray small({channels, (height + block - 1) / block, (width + block - 1) / block});
    const int64_t rows = small.extent(1), columns = small.extent(2);
    for (int64_t i = 0; i < small.size(); ++i) {
        const int64_t c = i / (rows * columns), top = i / columns % rows * block, left = i % columns * block;
        const int64_t bottom = std::min(top + block, height), right = std::min(left + block, width);
        float sum = 0;
        for (int64_t y = top; y < bottom; ++y)
            for (int64_t x = left; x < right; ++x) sum += image.data[static_cast<size_t>((c * height + y) * width + x)];
        small.data[static_cast<size_t>(i)] = sum / static_cast<float>((bottom - top) * (right - left));
    }
    return small;
}

FloatArray item(const FloatArray& images, int64_t index) {
    const auto values = images.row(index);
    return {Shape(images.shape.begin() + 1, images.shape.end()), std::vector<float>(values.begin(), values.end())};
}

}  // namespace spikelens::report

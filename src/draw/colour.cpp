#include "spikelens/draw/colour.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/draw/palette.h"

namespace spikelens {
namespace {

void check_map(const FloatArray& map) {
    if (map.shape.size() != 2 || map.empty())
        throw InputError("a map to be coloured must be [H, W], not " + shape_text(map.shape));
    for (float value : map.data)
        if (!std::isfinite(value)) throw InputError("a map to be coloured holds a value that is not finite");
}

/// Colour 0 to 255 of JET as OpenCV has it: ramps of four levels a step, one of which it rounds otherwise.
PaletteColour jet(int i) {
    const auto ramp = [](int rising, int falling) {
        return static_cast<uint8_t>(std::clamp(std::min(rising, falling), 0, 255));
    };
    return {ramp(4 * i - 382, 1148 - 4 * i), ramp(4 * i - 128, 892 - 4 * i),
            ramp(4 * i + 128, i == 159 ? 1 : 638 - 4 * i)};
}

/// Min–max to [0, 1]; a constant map becomes 0.
std::vector<float> normalised(const FloatArray& map) {
    const auto [least, most] = std::ranges::minmax(map.data);
    const double range = static_cast<double>(most) - least;
    std::vector<float> values;
    for (float value : map.data)
        values.push_back(range > 0 ? static_cast<float>((static_cast<double>(value) - least) / range) : 0.0F);
    return values;
}

/// value / largest |value|, in [−1, 1]; a zero map stays 0.
std::vector<float> centred(const FloatArray& map) {
    float largest = 0;
    for (float value : map.data) largest = std::max(largest, std::abs(value));
    std::vector<float> values;
    for (float value : map.data) values.push_back(largest > 0 ? value / largest : 0.0F);
    return values;
}

/// How strongly each value speaks, in [−1, 1] or [0, 1]: 0 has the palest colour.
std::vector<float> strengths(const FloatArray& map, Colours colours) {
    return colours == Colours::diverging ? centred(map) : normalised(map);
}

PaletteColour colour_of(float strength, Colours colours) {
    switch (colours) {
        case Colours::heat:
            return sequential_palette()[static_cast<size_t>(std::lround(strength * 255))];
        case Colours::diverging:
            return diverging_palette()[static_cast<size_t>(127 + std::lround(strength * 127))];
        case Colours::jet:
            break;
    }
    return jet(static_cast<int>(strength * 255));  // cut off, not rounded, as overlays of this kind are usually made
}

std::array<float, 3> rgb_of(const PaletteColour& colour) {
    return {static_cast<float>(colour.r) / 255.0F, static_cast<float>(colour.g) / 255.0F,
            static_cast<float>(colour.b) / 255.0F};
}

/// The SVEBI paper's: 0.6·JET + 0.4·image, divided by its maximum.
FloatArray jet_overlay(const FloatArray& image, const FloatArray& map) {
    FloatArray picture = colour_map(map, Colours::jet);
    const size_t plane = map.data.size();
    for (size_t i = 0; i < picture.data.size(); ++i)
        picture.data[i] = 0.6F * picture.data[i] + 0.4F * image.data[image.extent(0) == 1 ? i % plane : i];
    const float brightest = std::ranges::max(picture.data);
    for (float& value : picture.data) value /= brightest;  // JET has no black: the maximum is above 0
    return picture;
}

/// The image in pale grey: between 1/2 and 1, so that the dark ends of the palettes are seen on black and on white.
float faded(const FloatArray& image, size_t pixel) {
    const size_t plane = image.data.size() / static_cast<size_t>(image.extent(0));
    if (image.extent(0) == 1) return 0.5F + 0.5F * image.data[pixel];
    return 0.5F + 0.5F * (0.299F * image.data[pixel] + 0.587F * image.data[plane + pixel] +
                          0.114F * image.data[2 * plane + pixel]);
}

}  // namespace

FloatArray colour_map(const FloatArray& map, Colours colours) {
    check_map(map);
    const std::vector<float> strength = strengths(map, colours);
    const size_t plane = strength.size();
    FloatArray picture({3, map.extent(0), map.extent(1)});
    for (size_t i = 0; i < plane; ++i) {
        const std::array<float, 3> rgb = rgb_of(colour_of(strength[i], colours));
        for (size_t c = 0; c < 3; ++c) picture.data[c * plane + i] = rgb[c];
    }
    return picture;
}

FloatArray overlay(const FloatArray& image, const FloatArray& map, Colours colours) {
    check_map(map);
    if (image.shape != Shape{1, map.extent(0), map.extent(1)} && image.shape != Shape{3, map.extent(0), map.extent(1)})
        throw InputError(fmt::format("an overlay needs an image [1 or 3, H, W] of its map's size {}, not {}",
                                     shape_text(map.shape), shape_text(image.shape)));
    if (colours == Colours::jet) return jet_overlay(image, map);
    const std::vector<float> strength = strengths(map, colours);
    const size_t plane = strength.size();
    FloatArray picture({3, map.extent(0), map.extent(1)});
    for (size_t i = 0; i < plane; ++i) {
        const float opacity = std::abs(strength[i]), end = strength[i] < 0 ? -1.0F : 1.0F;
        const auto rgb = rgb_of(colour_of(colours == Colours::diverging ? end : strength[i], colours));
        for (size_t c = 0; c < 3; ++c) picture.data[c * plane + i] = opacity * rgb[c] + (1 - opacity) * faded(image, i);
    }
    return picture;
}

FloatArray drawable(const FloatArray& image) {
    if (image.shape.size() != 3 || image.shape[0] != 2) return image;
    const auto off = rgb_of(kOffColour), on = rgb_of(kOnColour);
    FloatArray picture({3, image.shape[1], image.shape[2]});
    const auto plane = static_cast<size_t>(image.row_size());
    for (size_t i = 0; i < plane; ++i) {
        const float a = image.data[i], b = image.data[plane + i], sum = a + b;
        for (size_t c = 0; c < 3; ++c)
            picture.data[c * plane + i] =
                sum == 0 ? 1 : 1 - std::sqrt(std::min(sum, 1.0F)) * (1 - (a * off[c] + b * on[c]) / sum);
    }
    return picture;
}

FloatArray enlarge(const FloatArray& image, int factor) {
    if (image.shape.size() < 2 || factor < 1)
        throw InputError(fmt::format("cannot enlarge {} by {}: expected [..., H, W] and a factor of at least 1",
                                     shape_text(image.shape), factor));
    Shape shape = image.shape;
    const int64_t width = shape.back();
    shape.back() *= factor;
    shape[shape.size() - 2] *= factor;
    FloatArray large(shape);
    const int64_t large_width = shape.back();
    for (int64_t i = 0; i < large.size(); ++i) {
        const int64_t row = i / large_width / factor, column = i % large_width / factor;
        large.data[i] = image.data[row * width + column];
    }
    return large;
}

}  // namespace spikelens

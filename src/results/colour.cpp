#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <opencv2/imgproc.hpp>

#include "spikelens/core/error.h"
#include "spikelens/results/picture.h"

namespace spikelens {
namespace {

using Colour = std::array<float, 3>;  // RGB

constexpr int palette_size = 256;
constexpr int half_palette = 255;  // colours on each side of the diverging palette's zero

void check_map(const FloatArray& map) {
    if (map.shape.size() != 2 || map.empty())
        throw InputError("a map to be coloured must be [H, W], not " + shape_text(map.shape));
    for (float value : map.data)
        if (!std::isfinite(value)) throw InputError("a map to be coloured holds a value that is not finite");
}

std::vector<Colour> opencv_palette(cv::ColormapTypes type) {
    cv::Mat index(1, palette_size, CV_8UC1), colours;
    for (int i = 0; i < palette_size; ++i) index.data[i] = static_cast<uchar>(i);
    cv::applyColorMap(index, colours, type);
    std::vector<Colour> palette;
    for (int i = 0; i < palette_size; ++i) {
        const uchar* bgr = colours.data + 3 * static_cast<ptrdiff_t>(i);
        palette.push_back({bgr[2] / 255.0F, bgr[1] / 255.0F, bgr[0] / 255.0F});
    }
    return palette;
}

/// Blue, white, red: straight lines in CIELAB from white to two colours of equal lightness, so that equal steps look equal and
/// −v is as dark as v. White is exactly in the middle.
std::vector<Colour> diverging_palette() {
    const cv::Vec3f white(100, 0, 0), blue(40, 4, -46), red(40, 58, 34);
    cv::Mat colours(1, 2 * half_palette + 1, CV_32FC3);
    for (int i = -half_palette; i <= half_palette; ++i) {
        const float part = static_cast<float>(std::abs(i)) / half_palette;
        colours.at<cv::Vec3f>(0, i + half_palette) = white * (1 - part) + (i < 0 ? blue : red) * part;
    }
    cv::cvtColor(colours, colours, cv::COLOR_Lab2RGB);
    std::vector<Colour> palette;
    for (int i = 0; i < colours.cols; ++i) {
        const auto& rgb = colours.at<cv::Vec3f>(0, i);
        const auto level = [](float value) { return std::round(std::clamp(value, 0.0F, 1.0F) * 255) / 255; };
        palette.push_back({level(rgb[0]), level(rgb[1]), level(rgb[2])});
    }
    return palette;
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

std::vector<int> sequential_index(const FloatArray& map) {
    std::vector<int> index;
    for (float value : normalised(map)) index.push_back(static_cast<int>(std::lround(value * (palette_size - 1))));
    return index;
}

/// Whole numbers are cut off, not rounded, as overlays of this kind are usually made.
std::vector<int> jet_index(const FloatArray& map) {
    std::vector<int> index;
    for (float value : normalised(map)) index.push_back(static_cast<int>(value * (palette_size - 1)));
    return index;
}

std::vector<int> diverging_index(const FloatArray& map) {
    float largest = 0;
    for (float value : map.data) largest = std::max(largest, std::abs(value));
    std::vector<int> index;
    for (float value : map.data)
        index.push_back(half_palette + (largest > 0 ? static_cast<int>(std::lround(value / largest * half_palette)) : 0));
    return index;
}

FloatArray painted(const FloatArray& map, const std::vector<int>& index, const std::vector<Colour>& palette) {
    FloatArray picture({3, map.extent(0), map.extent(1)});
    for (size_t c = 0; c < 3; ++c)
        for (size_t i = 0; i < index.size(); ++i) picture.data[c * index.size() + i] = palette[index[i]][c];
    return picture;
}

}  // namespace

FloatArray colour_map(const FloatArray& map, Colours colours) {
    check_map(map);
    switch (colours) {
        case Colours::heat:
            return painted(map, sequential_index(map), opencv_palette(cv::COLORMAP_MAGMA));
        case Colours::diverging:
            return painted(map, diverging_index(map), diverging_palette());
        case Colours::jet:
            break;
    }
    return painted(map, jet_index(map), opencv_palette(cv::COLORMAP_JET));
}

FloatArray overlay(const FloatArray& image, const FloatArray& map) {
    check_map(map);
    if (image.shape != Shape{1, map.extent(0), map.extent(1)} && image.shape != Shape{3, map.extent(0), map.extent(1)})
        throw InputError(fmt::format("an overlay needs an image [1 or 3, H, W] of its map's size {}, not {}",
                                     shape_text(map.shape), shape_text(image.shape)));
    FloatArray picture = colour_map(map, Colours::jet);
    const size_t plane = map.data.size();
    for (size_t i = 0; i < picture.data.size(); ++i)
        picture.data[i] = 0.6F * picture.data[i] + 0.4F * image.data[image.extent(0) == 1 ? i % plane : i];
    const float brightest = std::ranges::max(picture.data);
    for (float& value : picture.data) value /= brightest;  // JET has no black: the maximum is above 0
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

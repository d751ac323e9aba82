#include "spikelens/draw/palette.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace spikelens {
namespace {

constexpr int kSteps = 256;
constexpr int kDarkest = 48;  // of magma: below, its colours are hardly told from black
constexpr int kSide = 127;    // colours on each side of the diverging palette's zero

/// Colours 48 to 255 of magma, by Nathaniel Smith and Stéfan van der Walt (CC0), as red, green and blue in two hex
/// digits each.
constexpr std::string_view kMagma =
    "36106b38106c390f6e3b0f703d0f713f0f72400f74420f75440f764510774710784910784a10794c117a4e117b4f127b51127c52137c"
    "54137d56147d57157e59157e5a167e5c167f5d177f5f187f601880621980641a80651a80671b80681c816a1c816b1d816d1d816e1e81"
    "701f81721f817320817521817621817822817922827b23827c23827e24828025828125818326818426818627818827818928818b2981"
    "8c29818e2a81902a81912b81932b80942c80962c80982d80992d809b2e7f9c2e7f9e2f7fa02f7fa1307ea3307ea5317ea6317da8327d"
    "aa337dab337cad347cae347bb0357bb2357bb3367ab5367ab73779b83779ba3878bc3978bd3977bf3a77c03a76c23b75c43c75c53c74"
    "c73d73c83e73ca3e72cc3f71cd4071cf4070d0416fd2426fd3436ed5446dd6456cd8456cd9466bdb476adc4869de4968df4a68e04c67"
    "e24d66e34e65e44f64e55064e75263e85362e95462ea5661eb5760ec5860ed5a5fee5b5eef5d5ef05f5ef1605df2625df2645cf3655c"
    "f4675cf4695cf56b5cf66c5cf66e5cf7705cf7725cf8745cf8765cf9785df9795df97b5dfa7d5efa7f5efa815ffb835ffb8560fb8761"
    "fc8961fc8a62fc8c63fc8e64fc9065fd9266fd9467fd9668fd9869fd9a6afd9b6bfe9d6cfe9f6dfea16efea36ffea571fea772fea973"
    "feaa74feac76feae77feb078feb27afeb47bfeb67cfeb77efeb97ffebb81febd82febf84fec185fec287fec488fec68afec88cfeca8d"
    "fecc8ffecd90fecf92fed194fed395fed597fed799fed89afdda9cfddc9efddea0fde0a1fde2a3fde3a5fde5a7fde7a9fde9aafdebac"
    "fcecaefceeb0fcf0b2fcf2b4fcf4b6fcf6b8fcf7b9fcf9bbfcfbbdfcfdbf";

uint8_t level(double value) { return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

/// Red, green or blue of a colour of magma.
int magma(int colour, int channel) {
    const char* digits = kMagma.data() + 6 * (colour - kDarkest) + 2 * channel;
    int value = 0;
    std::from_chars(digits, digits + 2, value, 16);
    return value;
}

std::vector<PaletteColour> magma_from_light() {
    std::vector<PaletteColour> palette;
    for (int i = 0; i < kSteps; ++i) {
        const double at = 255 - i * (255.0 - kDarkest) / 255, share = at - std::floor(at);
        const int below = static_cast<int>(at), above = std::min(255, below + 1);
        const auto mixed = [&](int c) { return level((1 - share) * magma(below, c) + share * magma(above, c)); };
        palette.push_back({mixed(0), mixed(1), mixed(2)});
    }
    return palette;
}

/// What is linear in light as sRGB has it, both in [0, 1].
double gamma(double linear) { return linear <= 0.0031308 ? 12.92 * linear : 1.055 * std::pow(linear, 1 / 2.4) - 0.055; }

/// A colour of CIELAB under D65 in sRGB.
PaletteColour from_lab(double lightness, double a, double b) {
    const auto share = [](double f) {  // of white's X, Y or Z
        return f > 6.0 / 29 ? f * f * f : 108.0 / 841 * (f - 4.0 / 29);
    };
    const double middle = (lightness + 16) / 116;
    const double x = 0.950456 * share(middle + a / 500), y = share(middle), z = 1.088754 * share(middle - b / 200);
    const auto channel = [&](double of_x, double of_y, double of_z) {
        return level(255 * gamma(of_x * x + of_y * y + of_z * z));
    };
    return {channel(3.240479, -1.53715, -0.498535), channel(-0.969256, 1.875991, 0.041556),
            channel(0.055648, -0.204043, 1.057311)};
}

std::vector<PaletteColour> blue_white_red() {
    struct Lab {
        double lightness, a, b;
    };
    constexpr Lab blue{40, 4, -46}, red{40, 58, 34};
    std::vector<PaletteColour> palette;
    for (int i = -kSide; i <= kSide; ++i) {
        const double part = static_cast<double>(std::abs(i)) / kSide;
        const Lab& end = i < 0 ? blue : red;
        palette.push_back(from_lab(100 + part * (end.lightness - 100), part * end.a, part * end.b));
    }
    return palette;
}

}  // namespace

const std::vector<PaletteColour>& sequential_palette() {
    static const std::vector<PaletteColour> palette = magma_from_light();
    return palette;
}

const std::vector<PaletteColour>& diverging_palette() {
    static const std::vector<PaletteColour> palette = blue_white_red();
    return palette;
}

}  // namespace spikelens

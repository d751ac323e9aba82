#include "colours.h"

#include <cmath>
#include <span>

#include <fmt/format.h>

namespace spikelens::report {
namespace {

uint8_t mix(uint8_t a, uint8_t b, double share) { return static_cast<uint8_t>(std::lround(a + share * (b - a))); }

/// Linear between evenly spaced anchors.
Palette between(std::span<const Rgb> anchors) {
    Palette palette;
    for (size_t i = 0; i < palette.size(); ++i) {
        const double at = static_cast<double>(i) / 255 * static_cast<double>(anchors.size() - 1);
        const size_t left = std::min(static_cast<size_t>(at), anchors.size() - 2);
        const double share = at - static_cast<double>(left);
        const Rgb a = anchors[left], b = anchors[left + 1];
        palette[i] = {mix(a.r, b.r, share), mix(a.g, b.g, share), mix(a.b, b.b, share)};
    }
    return palette;
}

}  // namespace

const Palette& sequential_palette() {
    static constexpr Rgb anchors[] = {{8, 6, 24},     {38, 17, 86},   {82, 19, 124},   {124, 36, 130},  {166, 50, 125},
                                      {207, 69, 111}, {238, 106, 92}, {251, 154, 106}, {253, 205, 144}, {252, 250, 196}};
    static const Palette palette = between(anchors);
    return palette;
}

const Palette& diverging_palette() {
    static constexpr Rgb anchors[] = {{10, 50, 110},   {33, 102, 172}, {90, 152, 200}, {160, 200, 226}, {246, 246, 244},
                                      {248, 200, 160}, {232, 144, 92}, {196, 82, 38},  {120, 36, 10}};
    static const Palette palette = between(anchors);
    return palette;
}

std::string palette_bytes(const Palette& palette) {
    std::string bytes;
    for (const Rgb& colour : palette)
        for (uint8_t part : {colour.r, colour.g, colour.b}) bytes += static_cast<char>(part);
    return bytes;
}

std::string hex(Rgb colour) { return fmt::format("#{:02x}{:02x}{:02x}", colour.r, colour.g, colour.b); }

LineStyle line_style(int index) {
    static const std::array<std::string, 7> colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                       "#e69f00", "#56b4e9", "#8f6b3f"};
    static const std::array<std::string, 4> dashes = {"", "7 3", "2 2.5", "9 3 2 3"};
    const int colour = index % static_cast<int>(colours.size());
    const int dash = (index + index / static_cast<int>(colours.size())) % static_cast<int>(dashes.size());
    return {colours[static_cast<size_t>(colour)], dashes[static_cast<size_t>(dash)], index % 5};
}

LineStyle baseline_style(int index) {
    static const std::array<std::string, 4> dashes = {"1.5 3", "5 3", "", "8 2 1.5 2"};
    static const std::array<std::string, 3> greys = {"#8d8d8d", "#767676", "#a2a2a2"};
    return {greys[static_cast<size_t>(index) % greys.size()], dashes[static_cast<size_t>(index) % dashes.size()], -1};
}

}  // namespace spikelens::report

#include "colours.h"

#include <algorithm>

#include <fmt/format.h>

namespace spikelens::report {
namespace {

/// The last colour fills what is left of the 256.
Palette filled(const std::vector<PaletteColour>& colours) {
    Palette palette;
    for (size_t i = 0; i < palette.size(); ++i) palette[i] = colours[std::min(i, colours.size() - 1)];
    return palette;
}

}  // namespace

const Palette& sequential_palette() {
    static const Palette palette = filled(spikelens::sequential_palette());
    return palette;
}

const Palette& diverging_palette() {
    static const Palette palette = filled(spikelens::diverging_palette());
    return palette;
}

std::string palette_bytes(std::span<const Rgb> palette) {
    std::string bytes;
    for (const Rgb& colour : palette)
        for (uint8_t part : {colour.r, colour.g, colour.b}) bytes += static_cast<char>(part);
    return bytes;
}

std::string hex(Rgb colour) { return fmt::format("#{:02x}{:02x}{:02x}", colour.r, colour.g, colour.b); }

LineStyle line_style(int index) {
    static const std::array<std::string, 4> dashes = {"", "7 3", "2 2.5", "9 3 2 3"};
    const int colour = index % static_cast<int>(kKindColours.size());
    const int dash = (index + index / static_cast<int>(kKindColours.size())) % static_cast<int>(dashes.size());
    return {hex(kKindColours[static_cast<size_t>(colour)]), dashes[static_cast<size_t>(dash)], index % 5};
}

LineStyle baseline_style(int index) {
    static const std::array<std::string, 4> dashes = {"1.5 3", "5 3", "", "8 2 1.5 2"};
    return {hex(kQuietColours[static_cast<size_t>(index) % kQuietColours.size()]),
            dashes[static_cast<size_t>(index) % dashes.size()], -1};
}

}  // namespace spikelens::report

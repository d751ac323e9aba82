#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace spikelens {

/// The colours of everything that is drawn: pictures, the report, and its script. One meaning has one palette, and in
/// all of them nothing is white or nearly so.
struct PaletteColour {
    uint8_t r = 0, g = 0, b = 0;
    bool operator==(const PaletteColour&) const = default;
};

/// Values without a sign, low to high: pale yellow, magenta, dark violet (magma from its light end). 256 colours,
/// evenly darker.
const std::vector<PaletteColour>& sequential_palette();

/// Signed values: blue against, white at zero (colour 127 of 255), red for. Straight lines in CIELAB, so that equal
/// steps look equal and −v is as dark as v; told apart by colour-blind readers.
const std::vector<PaletteColour>& diverging_palette();

/// Polarities of events: off (darker), on (brighter).
constexpr PaletteColour kOffColour{0, 114, 178}, kOnColour{230, 115, 0};

/// Kinds without an order: Okabe and Ito's set without black and yellow, told apart by colour-blind readers.
constexpr std::array<PaletteColour, 7> kKindColours{
    {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {230, 159, 0}, {86, 180, 233}, {143, 107, 63}}};

/// Greys for what stands beside the data: sanity baselines, differences that are not told apart from zero.
constexpr std::array<PaletteColour, 3> kQuietColours{{{141, 141, 141}, {118, 118, 118}, {162, 162, 162}}};

/// Words and rules of a chart, on white.
constexpr PaletteColour kLabelColour{85, 82, 76}, kRuleColour{217, 213, 204};

}  // namespace spikelens

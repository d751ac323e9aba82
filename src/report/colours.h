#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "spikelens/draw/palette.h"

namespace spikelens::report {

using Rgb = PaletteColour;
using Palette = std::array<Rgb, 256>;

/// Those of draw/palette.h, as PNG wants them: 256 entries. Zero of the diverging one is entry 127, its last is 254.
const Palette& sequential_palette();
const Palette& diverging_palette();

/// Three bytes a colour, red green blue.
std::string palette_bytes(std::span<const Rgb> palette);
std::string hex(Rgb colour);  ///< "#0072b2"

/// How the n-th line of a plot looks: a colour of Okabe and Ito's set, and a dash that tells lines apart without
/// colour.
struct LineStyle {
    std::string colour, dash;
    int marker = 0;
};
LineStyle line_style(int index);
LineStyle baseline_style(int index);  ///< greys, for sanity baselines

}  // namespace spikelens::report

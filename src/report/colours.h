#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace spikelens::report {

struct Rgb {
    uint8_t r = 0, g = 0, b = 0;
};
using Palette = std::array<Rgb, 256>;

/// For values without a sign: dark violet to pale yellow, lightness rising evenly.
const Palette& sequential_palette();

/// For signed values: blue below, near white at zero (entry 127.5), red-brown above; safe for colour-blind readers.
const Palette& diverging_palette();

/// 768 bytes, red green blue.
std::string palette_bytes(const Palette& palette);
std::string hex(Rgb colour);  ///< "#0072b2"

/// How the n-th line of a plot looks: a colour of Okabe and Ito's set, and a dash that tells lines apart without colour.
struct LineStyle {
    std::string colour, dash;
    int marker = 0;
};
LineStyle line_style(int index);
LineStyle baseline_style(int index);  ///< greys, for sanity baselines

}  // namespace spikelens::report

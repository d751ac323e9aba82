#include "space_time_ink.h"

#include <algorithm>
#include <cmath>

#include "spikelens/results/picture.h"

namespace spikelens::space_time {
namespace {

constexpr Rgb pale_grey = {0.76F, 0.76F, 0.77F};
constexpr int palette_steps = 255;

Rgb blend(const Rgb& a, const Rgb& b, double share) {
    Rgb result{};
    for (size_t c = 0; c < 3; ++c) result[c] = static_cast<float>(a[c] + share * (b[c] - a[c]));
    return result;
}

/// The library's palettes, pale to strong: magma from its light end, the diverging one whole.
std::vector<Rgb> palette(bool signed_values) {
    const int first = signed_values ? -palette_steps : 0;
    FloatArray ramp({1, palette_steps - first + 1});
    for (int i = 0; i < ramp.extent(1); ++i) ramp.data[static_cast<size_t>(i)] = static_cast<float>(first + i);
    const FloatArray colours = colour_map(ramp, signed_values ? Colours::diverging : Colours::heat);
    std::vector<Rgb> palette;
    const auto count = static_cast<size_t>(ramp.size());
    for (size_t i = 0; i < count; ++i) {
        const size_t at = signed_values ? i : count - 1 - i;
        palette.push_back({colours.data[at], colours.data[count + at], colours.data[2 * count + at]});
    }
    return palette;
}

}  // namespace

ScoreInk::ScoreInk(std::span<const double> values, bool signed_values)
    : signed_(signed_values), palette_(palette(signed_values)) {
    for (double value : values) {
        low_ = std::min(low_, value);
        high_ = std::max(high_, value);
    }
    if (!signed_) return;
    high_ = std::max(high_, -low_);
    low_ = -high_;
}

double ScoreInk::strength(double value) const {
    if (!(high_ > low_)) return 0;
    if (!signed_) return std::sqrt((value - low_) / (high_ - low_));
    return std::copysign(std::sqrt(std::abs(value) / high_), value);
}

Rgb ScoreInk::colour(double value) const {
    const double at = strength(value) * palette_steps + (signed_ ? palette_steps : 0);
    return palette_[static_cast<size_t>(std::lround(at))];
}

Mark ScoreInk::mark(double value) const {
    const double strong = std::abs(strength(value));
    return {blend(pale_grey, colour(value), std::min(1.0, 2.5 * strong)), 0.4 + 0.6 * strong, 0.75 + 0.5 * strong};
}

Rgb channel_colour(int64_t channel, int64_t channels) {
    static constexpr Rgb off = {0, 0.447F, 0.698F}, on = {0.902F, 0.450F, 0.0F};
    // Okabe and Ito's set without black and yellow: told apart by colour-blind readers.
    static constexpr Rgb several[most_channel_colours] = {
        {0, 0.447F, 0.698F}, {0.835F, 0.369F, 0},      {0, 0.620F, 0.451F},     {0.800F, 0.475F, 0.655F},
        {0.902F, 0.624F, 0}, {0.337F, 0.706F, 0.914F}, {0.561F, 0.420F, 0.247F}};
    if (channels == 2) return channel == 0 ? off : on;
    return several[channels <= most_channel_colours ? channel : 0];
}

Rgb tint(const Rgb& colour, double strength) { return blend({1, 1, 1}, colour, strength); }

}  // namespace spikelens::space_time

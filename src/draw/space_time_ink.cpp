#include "space_time_ink.h"

#include <algorithm>
#include <cmath>

#include "spikelens/draw/palette.h"

namespace spikelens::space_time {
namespace {

constexpr Rgb kPaleGrey = {0.76F, 0.76F, 0.77F};

Rgb blend(const Rgb& a, const Rgb& b, double share) {
    Rgb result{};
    for (size_t c = 0; c < 3; ++c) result[c] = static_cast<float>(a[c] + share * (b[c] - a[c]));
    return result;
}

Rgb rgb(const PaletteColour& colour) {
    return {static_cast<float>(colour.r) / 255.0F, static_cast<float>(colour.g) / 255.0F,
            static_cast<float>(colour.b) / 255.0F};
}

}  // namespace

ScoreInk::ScoreInk(std::span<const double> values, bool signed_values) : signed_(signed_values) {
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
    if (signed_) return rgb(diverging_palette()[static_cast<size_t>(std::lround(127 + 127 * strength(value)))]);
    return rgb(sequential_palette()[static_cast<size_t>(std::lround(255 * strength(value)))]);
}

Mark ScoreInk::mark(double value) const {
    const double strong = std::abs(strength(value));
    return {blend(kPaleGrey, colour(value), std::min(1.0, 2.5 * strong)), 0.4 + 0.6 * strong, 0.75 + 0.5 * strong};
}

Rgb channel_colour(int64_t channel, int64_t channels) {
    if (channels == 2) return rgb(channel == 0 ? kOffColour : kOnColour);
    return rgb(kKindColours[channels <= kMostChannelColours ? static_cast<size_t>(channel) : 0]);
}

Rgb tint(const Rgb& colour, double strength) { return blend({1, 1, 1}, colour, strength); }

}  // namespace spikelens::space_time

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "space_time_canvas.h"

namespace spikelens::space_time {

/// How a point looks: its size is a factor of the usual radius.
struct Mark {
    Rgb colour{};
    double opacity = 1, size = 1;
};

/// Colours of scores, diverging around 0 or sequential, palest where there is least to say.
class ScoreInk {
  public:
    /// The range covers `values` and 0; it is symmetric when signed.
    ScoreInk(std::span<const double> values, bool signed_values);
    Rgb colour(double value) const;  ///< white or nearly so at the pale end
    Mark mark(double value) const;   ///< grey there, so that a point is still seen
    double low() const { return low_; }
    double high() const { return high_; }

  private:
    double strength(double value) const;  ///< [−1, 1] or [0, 1]; square root
    bool signed_;
    double low_ = 0, high_ = 0;
};

/// The colour of a channel's spikes among so many channels.
Rgb channel_colour(int64_t channel, int64_t channels);
/// White to `colour`, strength in [0, 1].
Rgb tint(const Rgb& colour, double strength);

constexpr int64_t kMostChannelColours = 7;

}  // namespace spikelens::space_time

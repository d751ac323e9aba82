#pragma once

#include <algorithm>
#include <cstdint>

#include "layer_plan.h"

namespace spikelens::kernels {
namespace {

/// A part of the inputs: whole taps with all their channels, or words of the channels of one tap. Their weight rows are
/// neighbours in each block of a plan.
struct WeightPart {
    int first_tap, end_tap;
    int first_channel, end_channel;

    int rows() const { return (end_tap - first_tap) * (end_channel - first_channel); }
    int64_t first_row(const LayerPlan& plan) const { return int64_t{first_tap} * plan.in_channels + first_channel; }
};

/// Cuts a layer's inputs into parts of at most `most_rows`, a multiple of 64.
class WeightParts {
  public:
    WeightParts(const LayerPlan& plan, int most_rows)
        : channels_(plan.in_channels), all_taps_(plan.taps()), taps_(std::max(1, most_rows / plan.in_channels)) {
        const int cuts = (plan.in_channels + most_rows - 1) / most_rows;
        piece_ = 64 * ((plan.in_words + cuts - 1) / cuts);
        pieces_ = (plan.in_channels + piece_ - 1) / piece_;
    }

    int count() const { return pieces_ > 1 ? all_taps_ * pieces_ : (all_taps_ + taps_ - 1) / taps_; }
    WeightPart at(int part) const {
        const int tap = part / pieces_ * taps_, channel = part % pieces_ * piece_;
        return {tap, std::min(all_taps_, tap + taps_), channel, std::min(channels_, channel + piece_)};
    }
    /// Of the channels of a tap.
    int pieces() const { return pieces_; }
    int piece_channels() const { return std::min(piece_, channels_); }
    /// Of a part.
    int taps() const { return std::min(taps_, all_taps_); }

  private:
    int channels_, all_taps_, taps_, piece_ = 0, pieces_ = 0;
};

}  // namespace
}  // namespace spikelens::kernels

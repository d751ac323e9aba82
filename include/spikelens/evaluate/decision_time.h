#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// When a sample was decided.
struct DecisionTime {
    FloatArray scores;           ///< [T, classes] after each step: the readout so far / steps so far
    std::vector<int> predicted;  ///< [T], kUndecided where the scores name no class (snn/decision.h)
    int64_t decided =
        0;  ///< steps after which the prediction no longer changes, 1 … T; 0 where the last names no class
};

/// Whether the readout of a network can be watched: one value a class, and currents are not pooled.
bool can_watch(const Network& network);

/// Watches a network's readout at every step: by one simulation a sample. Keeps its own copy of the weights, in fixed
/// point.
class DecisionWatch {
  public:
    /// Throws InputError unless can_watch().
    explicit DecisionWatch(const Network& network, const Execution& execution = {});

    std::vector<DecisionTime> watch(const Input& input) const;

  private:
    Simulator simulator_;
    bool counts_spikes_;
};

/// A part of a recording's time, and what it brought.
struct TimeShare {
    int64_t first = 0, end = 0;  ///< steps first … end − 1
    double share = 0;
};

/// Shapley values of at most 8 windows of a recording [T, C, H, W], as equal as can be: what the spikes of each add to
/// the score of the class, over all orders. They sum to the score less that of silence. Throws InputError unless 1 ≤
/// windows ≤ 8. Cost: 2 to the power of the windows simulations.
std::vector<TimeShare> time_shares(const Engine& engine, const ArrayView<uint8_t>& recording, int target,
                                   int64_t windows);

}  // namespace spikelens

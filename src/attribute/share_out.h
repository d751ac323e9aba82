#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "spikelens/snn/engine.h"

#include "options.h"
#include "share_sweep.h"

namespace spikelens {

struct ShareOptions {
    bool contrast = true;  ///< the class score less the mean of the others, or alone
    bool soft = false;
};

/// Declares the options `start` and `soft`.
ShareOptions share_options(MethodOptions& options);

/// What was shared out of a sample, and to whom.
struct Shares {
    double whole = 0;
    ShareSweep::Result parts;
};

/// What a layer's spikes brought to a sample; several samples are worked side by side.
using VisitShares = std::function<void(int64_t n, const ShareSweep::LayerShares& shares)>;

/// take(n, shares) for every sample, in order. As many samples at a time as threads and execution.memory allow; where
/// it does not suffice for all layers of one, its layers are recorded in parts, each in a simulation of its own. No
/// result depends on it. Throws InputError where memory does not suffice for the largest layer.
void share_out(const Engine& engine, const Input& input, std::span<const int> targets, const ShareOptions& options,
               const std::function<void(int64_t n, const Shares& shares)>& take, const VisitShares& visit = {});

constexpr const char* kShareSource =
    "Spikelens, docs/share.md: membrane share; LRP-0 on the network unrolled in time is its cousin";

}  // namespace spikelens

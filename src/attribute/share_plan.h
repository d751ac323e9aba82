#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/snn/simulate.h"

namespace spikelens {

/// Layers that a share sweep goes through with one recording: from those of the part before down to `first`.
struct SharePart {
    int first = 0;
    RecordRequest request;
};

/// How the shares of one sample are found in bounded memory: the network is recorded in parts, from the last layers
/// down, each in a simulation of its own.
struct SharePlan {
    std::vector<SharePart> parts;
    /// About what it takes at most, beside the network, the input and the result: recordings, what comes back from the
    /// layers above, and what the simulation of a part holds beside its recording.
    int64_t bytes = 0;
};

/// Parts as large as `memory` allows, of one layer at least: `bytes` may be more than `memory`. `constant`: the input
/// is an image. `threads` go through the steps of a layer side by side.
SharePlan plan_shares(const Network& network, int64_t steps, bool constant, int threads, int64_t memory);

}  // namespace spikelens

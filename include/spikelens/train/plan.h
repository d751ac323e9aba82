#pragma once

#include <cstdint>
#include <string>

#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// How a training stays within execution.memory. A batch is cut into shards, and each worker computes one at a time.
/// The weights that training ends with are the same to the bit for every plan.
struct TrainPlan {
    int threads = 1;
    int64_t shard = 1;  ///< samples of the largest shard
    /// Between the ways forward and back, inputs of layers are kept in a byte each, and currents are computed once
    /// more.
    bool recompute = false;
    int64_t bytes = 0;    ///< of all samples on their way, about
    int64_t weights = 0;  ///< of weights, momentum and gradients
};

/// The fastest plan that fits; the forward pass once more costs about a third. Throws InputError that says what
/// the leanest plan needs where none fits.
TrainPlan plan_training(const Network& network, const SampleSource& samples, const TrainOptions& options,
                        const Execution& execution);

/// "1 sample at a time on each of 2 threads, about 720 MB, and 480 MB for weights and gradients; currents are
/// computed anew on the way back"
std::string plan_text(const TrainPlan& plan);

}  // namespace spikelens

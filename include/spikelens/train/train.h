#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/progress.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"

namespace spikelens {

/// Training by surrogate gradients: SGD with momentum on the cross-entropy of the score.
struct TrainOptions {
    int epochs = 5;
    int batch = 100;
    double learning_rate = 0.3;
    double momentum = 0.9;
    double weight_decay = 0.0;
    double clip_norm = 0.0;  ///< scale the gradient to at most this norm; 0: never
    Surrogate surrogate;
    uint64_t seed = 1;
    int threads =
        0;  ///< 0: all cores. Each batch is cut into a fixed number of shards, summed in order: weights do not depend on it.
};

struct EpochResult {
    int epoch = 0;        ///< from 1
    double loss = 0;      ///< mean cross-entropy over the epoch's samples, while training
    double accuracy = 0;  ///< while training
    double seconds = 0;
};

/// Everything needed to go on exactly as if never interrupted.
struct TrainState {
    int epochs_done = 0;
    std::vector<FloatArray> momentum;  ///< one per parameter: weight, bias of each layer in order; empty at the start
    std::vector<EpochResult> history;
};

/// Trains `network` in place from `state` to options.epochs and keeps `state` up to date; `after_epoch` is called at the end
/// of every epoch (write the checkpoint there). The order of samples of an epoch is a permutation addressed by
/// (seed, epoch). Throws InputError for unusable options or labels, RunError when the loss or a weight stops being finite.
/// Sets LibTorch and OpenBLAS to one thread of their own, for the whole process.
void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
           const std::function<void(const Network&, const TrainState&)>& after_epoch, const Progress& progress = {});

}  // namespace spikelens

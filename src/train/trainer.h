#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>

#include "spikelens/train/plan.h"
#include "spikelens/train/team.h"
#include "spikelens/train/train.h"

namespace spikelens {

using AfterBatch = std::function<void(const Network&, const TrainState&)>;

/// Four digits, for messages.
inline std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

/// A part of a batch is cut into so many shards whatever the machine, so that sums of gradients are formed in one way.
/// A few more than most machines have cores; small shards also stay in the cache.
inline constexpr int64_t kShards = 8;
inline int64_t shards_of(int64_t batch, int accumulate) { return std::min(kShards * accumulate, batch); }

/// Convolutions are computed over so many samples' steps at a time, and their weights' gradients are summed in that
/// order, whatever the memory: of what a layer reads and writes, a piece has about 4 million numbers.
inline int64_t steps_at_once(const Layer& layer) {
    return std::max<int64_t>(
        1, (1 << 22) / std::max(element_count(layer.input_shape()), element_count(layer.output_shape())));
}

/// What the training library offers.
struct TrainingLibrary {
    /// Empty, or why there is no GPU to train on: "LibTorch was built without CUDA".
    std::string (*why_no_gpu)();
    /// train(), all of whose input has been checked.
    void (*train)(Network& network, const SampleSource& samples, const TrainOptions& options, const TrainPlan& plan,
                  TrainState& state, const AfterBatch& after_batch, const Execution& execution, const TrainTeam& team);
};

/// Whether a byte holds each input of a layer: spikes, or a window's whole number of them.
bool kept_as_bytes(const Network& network, size_t layer, bool spiking);

}  // namespace spikelens

/// A digest of the headers that both sides of the library were compiled with (SPIKELENS_TRAIN_STAMP).
extern "C" const char spikelens_train_stamp[];

/// What the training library is loaded for.
extern "C" const spikelens::TrainingLibrary spikelens_train;

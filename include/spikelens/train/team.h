#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "spikelens/train/train.h"

namespace spikelens {

/// Processes that train one network together, on machines of one kind. Each computes some of the shards of every batch;
/// their gradients are added in the order of the shards, from process to process, and all take the sum. So the weights
/// are those of one process, to the bit, and every process has them.
struct TrainTeam {
    int number = 0, count = 1;                              ///< of this process, from 0
    std::function<void(std::span<std::byte>)> receive{};    ///< what the process before this one sends: as many bytes
    std::function<void(std::span<std::byte>)> send{};       ///< to the process after this one
    std::function<void(std::span<std::byte>)> take_last{};  ///< the bytes become those of the last process, in all
};

/// train() in a team: all processes call it with the same network, samples, options and state. A batch has eight shards
/// (eight times `accumulate`): more processes than shards have nothing to do.
void train(Network& network, const SampleSource& samples, const TrainOptions& options, TrainState& state,
           const std::function<void(const Network&, const TrainState&)>& after_batch, const Execution& execution,
           const TrainTeam& team);

}  // namespace spikelens

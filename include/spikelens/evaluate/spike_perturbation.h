#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "spikelens/core/array.h"
#include "spikelens/evaluate/perturbation.h"

namespace spikelens {

struct SpikePerturbationOptions {
    int64_t steps = 20;  ///< each takes or adds 1/steps of a sample's spikes
    uint64_t seed = 1;
    int64_t max_batch = 16;  ///< perturbed samples scored at once
};

/// Scores [N, classes] of spiking input [N, T, C, H, W].
using SpikeScoreFunction = std::function<FloatArray(const Array<uint8_t>& spikes)>;

/// Deletion (insertion) at the level of single spikes: takes the highest-scored spikes away first, until none is left
/// (adds them to silence until all are there). scores [N, T, C, H, W]: one for each place; a place with k spikes goes
/// as one unit. Ties in an order addressed by (seed, sample). After step j of n the ⌈j·m/n⌉ first of m places have
/// changed. The curve is the softmax probability of targets[n], both ends included; a sample without spikes has a flat
/// curve. Scores N·(n + 1) inputs. Throws InputError when shapes do not match, a score is NaN, a target is not a class,
/// or an option is out of range.
MetricResult perturb_spikes(Perturbation kind, const Array<uint8_t>& spikes, const FloatArray& scores,
                            std::span<const int> targets, std::span<const int64_t> samples,
                            const SpikeScoreFunction& score, const SpikePerturbationOptions& options);

}  // namespace spikelens

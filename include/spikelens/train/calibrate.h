#pragma once

#include <cstdint>

#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// The share of a layer's inputs, over neurons and steps, that may reach its threshold by themselves.
inline constexpr double kBalancedShare = 0.001;

/// Balances thresholds layer by layer, for weights that come from a network without spikes (after Diehl et al. 2015,
/// Sengupta et al. 2019): layer by layer from the first on, the exact simulation gives the inputs J[t] of its membranes
/// on the first `count` samples (fewer where there are fewer), with the layers before it as they are by then. What one
/// in a thousand of a sample's inputs reaches, the largest of all samples, becomes θ. J is the current times the
/// neuron's gain, through its synapse, without the factor 1 − β. Costs one simulation of the samples for each layer
/// with neurons, and the inputs of one layer in memory.
///
/// Throws InputError for networks that are no chains, samples of another shape, and a layer whose inputs are not above
/// 0.
void balance_thresholds(Network& network, const SampleSource& samples, int64_t count, const Execution& execution = {});

}  // namespace spikelens

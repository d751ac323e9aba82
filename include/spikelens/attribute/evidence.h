#pragma once

#include <span>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// How much each filter brought to the score of its sample's class (no paper: ours): Σ over the filter's
/// neurons of n ⊙ g, n their spikes and g what one of them was worth with every neuron taken as the gain (spikes / drive) it
/// had. [N, filters] in the order of response_filters(network), signed. Without bias, and where no neuron fired more than its
/// drive, the filters of one layer add up to the score.
///
/// One forward simulation and one sweep of linear maps a sample, all samples at once: pass batches. Throws InputError for input
/// that is not the network's, and unless there is one target, a class, for each sample.
DoubleArray filter_evidence(const Engine& engine, const Input& input, std::span<const int> targets);

}  // namespace spikelens

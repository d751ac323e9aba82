#pragma once

#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_dialect.h"
#include "nir_order.h"

namespace spikelens {

/// The network that nodes make: weights, what several edges into one node sum up, neurons, pools, recurrence. A Scale
/// and pools of the network's input are folded into weights, or into a neuron's gain. Fills network, assumptions and
/// tensors. Throws InputError that names the node and why it cannot be part of a network.
ImportedNetwork nir_network(const std::vector<NirStep>& steps, const NirRules& rules, const NirOptions& options,
                            const std::string& where);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_dialect.h"
#include "nir_graph.h"

namespace spikelens {

/// The network that a chain of nodes makes: weights, the neuron after them, pools after that. What NIR may put elsewhere is
/// folded into the weights: Scale, pools of currents, pools of the input and second pools. Fills network, assumptions and
/// tensors. Throws InputError that names the node and why it cannot be part of a network.
ImportedNetwork nir_network(const std::vector<NirNode>& chain, const NirRules& rules, const NirOptions& options,
                            const std::string& where);

}  // namespace spikelens

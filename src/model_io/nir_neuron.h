#pragma once

#include "spikelens/snn/network.h"

#include "nir_dialect.h"
#include "nir_node.h"
#include "nir_weights.h"

namespace spikelens {

/// The neuron of an IF, LIF, CubaLIF or Threshold node after these weights, whose output has this shape. What differs between
/// outputs and what one Neuron cannot say is moved into the weights where that changes nothing: r, w_in, thresholds (the
/// membrane in units of its threshold) and v_leak (a bias). Throws InputError that names the node and the parameter where it
/// would.
Neuron nir_neuron(const NirNodeReader& reader, const NirRules& rules, const Shape& shape, NirWeights& weights,
                  const std::string& where);

/// The leak of an LI or CubaLI readout; its gain and v_leak go into the weights.
float nir_readout(const NirNodeReader& reader, const NirRules& rules, const Shape& shape, NirWeights& weights,
                  const std::string& where);

}  // namespace spikelens

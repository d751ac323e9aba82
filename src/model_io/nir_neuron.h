#pragma once

#include <vector>

#include "spikelens/snn/network.h"

#include "nir_dialect.h"
#include "nir_node.h"

namespace spikelens {

/// What a neuron node makes of the sum of its inputs.
struct NirNeuron {
    Neuron neuron;
    NeuronValues values;
    NirSpread bias;  ///< a current that comes at every step; what v_leak is
};

/// The neuron of an IF, LIF, CubaLIF or Threshold node. `axes` is the signal's shape as NIR counts it, `layer` as the
/// network does, [C, H, W]; `scale` multiplies the node's input. Parameters that differ become values of channels where
/// they can, else of neurons. Where the library starts its membranes at the resting voltage, they are counted from
/// there. Throws InputError that names the node and the parameter which no neuron here has.
NirNeuron nir_neuron(const NirNodeReader& reader, const NirRules& rules, const Shape& axes, const Shape& layer,
                     const NirSpread& scale, const std::string& where);

/// A readout: U[t] = beta·U[t−1] + J[t], J[t] = alpha·J[t−1] + gain·input + leak.
struct NirReadout {
    float beta = 1, alpha = 0;
    NirSpread gain, leak;  ///< one for each output, or one
};

/// Of an I, LI or CubaLI node.
NirReadout nir_readout(const NirNodeReader& reader, const NirRules& rules, const Shape& axes, const std::string& where);

}  // namespace spikelens

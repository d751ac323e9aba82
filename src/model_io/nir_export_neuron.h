#pragma once

#include <map>
#include <string>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

/// A neuron, or a readout, in NIR's words: the type of its node and its parameters, one number for each neuron of the
/// layer, such that forward Euler with `kNirWrittenDt` gives every float32 back to the bit.
struct NirWrittenNeuron {
    std::string type;
    std::map<std::string, std::vector<double>> parameters;
};

constexpr double kNirWrittenDt = 1e-4;

/// Throws InputError, opened by `where`, that names the layer and what NIR cannot describe.
NirWrittenNeuron write_nir_neuron(const Layer& layer, const std::string& where);
NirWrittenNeuron write_nir_readout(const Layer& layer, const std::string& where);

[[noreturn]] void refuse_nir_layer(const std::string& where, const Layer& layer, const std::string& what);

}  // namespace spikelens

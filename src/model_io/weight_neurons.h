#pragma once

#include <map>
#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "state_dict.h"

namespace spikelens {

/// What became of a parameter.
struct NeuronUse {
    std::string to;    ///< "full1.beta" when it was used, else ""
    std::string note;  ///< its value and why
};

/// Compares the parameters of neurons in a state dict (`parameters`: their places in it) with those of a network whose weights
/// are there already, or moves them into it; the rules are those of NeuronSource. Gives what became of each.
///
/// The k-th neuron of the file is the k-th layer's when there are as many (by order_of_places); in a container with numbers,
/// the one of the weight before it. Else, or when nothing tells their order, all must say the same and agree with every layer.
/// Throws InputError, opened by `where`, that names the tensor, the layer and both values.
std::map<size_t, NeuronUse> use_neurons(const StateDict& state, const std::vector<size_t>& parameters,
                                        const std::vector<std::string>& weights_of_layers, Network& network,
                                        NeuronSource source, const std::string& where);

}  // namespace spikelens

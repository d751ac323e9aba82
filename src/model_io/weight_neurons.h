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

/// Which modules of the file filled which layers (by their place in the network).
struct FilledModules {
    std::map<size_t, std::string> weights;    ///< layer → the module of its weight
    std::map<std::string, size_t> recurrent;  ///< the module of a recurrent neuron → its layer
};

/// Compares the parameters of neurons in a state dict (`parameters`: their places in it) with those of a network whose
/// weights are there already, or moves them into it; the rules are those of NeuronSource. What the network text leaves
/// to the file (beta=*) is always taken, and must be there. Gives what became of each.
///
/// A neuron of a model file of ours says its layer, a recurrent one has its layer's recurrent weights. The k-th neuron
/// of the file is that of the k-th layer with a neuron when there are as many (by order_of_places); in a container with
/// numbers, the one of the weight before it. Else, or when nothing tells their order, all must say the same and agree
/// with every layer. Throws InputError, opened by `where`, that names the tensor, the layer and both values.
std::map<size_t, NeuronUse> use_neurons(const StateDict& state, const std::vector<size_t>& parameters,
                                        const FilledModules& modules, Network& network, NeuronSource source,
                                        const std::string& where);

}  // namespace spikelens

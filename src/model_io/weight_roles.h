#pragma once

#include <string>

#include "state_dict.h"

namespace spikelens {

/// What a tensor of a state dict is, by its name, type and shape.
enum class TensorRole {
    weight,     ///< a weight or bias
    recurrent,  ///< a recurrent weight or bias
    norm,       ///< of a batch normalisation
    neuron,     ///< a parameter of a neuron
    inert       ///< changes nothing: a neuron's state, a counter
};

struct TensorKind {
    TensorRole role = TensorRole::weight;
    std::string note;  ///< of what is inert: why it changes nothing
};

/// Of a tensor that is none of a batch normalisation (weight_norms.h), after join_parts and name_recurrences. Throws
/// InputError, opened by `where`, that names the tensor and says what to do for what changes the network and has no
/// place in it: parts of weights that no other part is there for, unknown parametrisations, quantised weights, tables
/// of whole numbers.
TensorKind tensor_kind(const StateTensor& tensor, const std::string& where);

/// Throws InputError for a bias whose module has no other tensor.
void refuse_lone_bias(const StateTensor& tensor, const StateDict& state, const std::string& where);

/// "the tensor fc1.weight, [10, 4],"; of a single number "the number fc1.scale"
std::string described(const StateTensor& tensor);

}  // namespace spikelens

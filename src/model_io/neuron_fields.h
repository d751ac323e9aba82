#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What a parameter in a file of weights says where it is no field of the layer's neuron (spikelens/snn/neuron.h).
inline constexpr std::string_view kGradedSpikes = "the size of a spike";  ///< what a spike counts for in the next layer
inline constexpr std::string_view kNoField = "this parameter";            ///< what a neuron here does not have

/// How a parameter of a name is read.
struct NeuronReading {
    std::string_view leaf;
    std::string_view field;     ///< of a neuron, by its name; snnTorch's number for a reset is the place of its word
    double (*convert)(double);  ///< NaN for values that this reading cannot be of
    std::string_view from;      ///< how β or α follows, "1 − 1/τ"; empty when the value is the field's own
};

/// Every reading of a parameter by its name: those of its last part in the tables of snnTorch, SpikingJelly, Norse and
/// Sinabs; the field itself in a model file of ours ("full1.neuron.beta"). Empty for other names.
std::vector<NeuronReading> neuron_readings(const std::string& name);

/// Whether a tensor is a neuron's parameter by its name. "w" is SpikingJelly's when it is one number.
bool is_neuron_parameter(const std::string& name, const Shape& shape);

}  // namespace spikelens

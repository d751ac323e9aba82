#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What of a layer's neuron a parameter in a file of weights says.
enum class NeuronField {
    beta,
    alpha,
    threshold,
    reset,    ///< snnTorch's reset_mechanism_val: 0 by subtraction, 1 to zero, 2 none
    v_reset,  ///< where a spike puts the membrane: the reset is to a value
    graded,   ///< what a spike counts for in the next layer
    other     ///< what a neuron here does not have
};

/// How a parameter of a name is read.
struct NeuronReading {
    std::string_view leaf;
    NeuronField field;
    double (*convert)(double);  ///< NaN for values that this reading cannot be of
    std::string_view from;      ///< how β or α follows, "1 − 1/τ"; empty when the value is the field's own
};

/// Every reading of a parameter by the last part of its name, in the tables of snnTorch, SpikingJelly, Norse and Sinabs; empty
/// for other names.
std::vector<NeuronReading> neuron_readings(std::string_view leaf);

/// Whether a tensor is a neuron's parameter by its name. "w" is SpikingJelly's when it is one number.
bool is_neuron_parameter(const std::string& name, const Shape& shape);

/// "beta", "threshold"… as a network text has it.
std::string_view field_name(NeuronField field);

}  // namespace spikelens

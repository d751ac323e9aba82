#pragma once

#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "neuron_fields.h"
#include "state_dict.h"

namespace spikelens {

/// One parameter of a neuron in a file, and the layer it belongs to.
struct NeuronParameter {
    const StateTensor* tensor = nullptr;
    std::string where;  ///< opens every error

    /// Its values for every output of a layer, or one when it holds one number. Parameters spread as numpy's broadcasting does
    /// over the layer's output before pooling, and must be the same for all neurons of an output; all must be finite, but for a
    /// bound of −∞. Throws InputError that names the layer.
    std::vector<double> values(const Layer& layer) const;

    /// "0.5", or "0.5 to 1.2".
    static std::string text(const std::vector<double>& values);
    /// The shortest text of a float32, of other numbers eight digits.
    static std::string text(double value);

    [[noreturn]] void fail(const Layer& layer, const std::string& what) const;
};

/// What a layer says of a field, as a number; a reset is snnTorch's number. NaN for what it does not have.
double field_of(const Layer& layer, std::string_view field);

/// Whether two values are the same float32, or nearly: within 2⁻²² relative, or `loose` 10⁻⁶ for what was computed from
/// another.
bool same_value(double file, double text, bool loose);

/// Whether all of a parameter's values agree with what the layer says, by one of the readings of its name.
bool agrees(const NeuronParameter& parameter, const Layer& layer);

/// Makes the parameter the layer's. `next` takes what spikes count for; null after the last layer. Gives a note. Throws
/// InputError that names the layer and what it cannot express.
std::string take_over(const NeuronParameter& parameter, Layer& layer, Layer* next);

/// Throws InputError with both values: the file's and the network text's.
[[noreturn]] void refuse_contradiction(const NeuronParameter& parameter, const Layer& layer);

}  // namespace spikelens

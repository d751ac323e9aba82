#pragma once

#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "neuron_fields.h"
#include "state_dict.h"

namespace spikelens {

/// Numbers of a parameter: one for all neurons of a layer (no shape), for each channel, or for each neuron.
struct NeuronNumbers {
    Shape shape;
    std::vector<double> numbers;

    bool single() const { return numbers.size() == 1; }
};

/// One parameter of a neuron in a file, and the layer it belongs to.
struct NeuronParameter {
    const StateTensor* tensor = nullptr;
    std::string where;  ///< opens every error

    std::vector<NeuronReading> readings() const { return neuron_readings(tensor->name); }
    std::string_view field() const { return readings()[0].field; }

    /// Its numbers, spread over the layer's output before pooling as NumPy's broadcasting does and then taken together
    /// where they are the same. All must be finite, but for a bound of −∞. Throws InputError that names the layer.
    NeuronNumbers values(const Layer& layer) const;

    /// "0.5", or "0.5 to 1.2".
    static std::string text(const std::vector<double>& values);
    /// The shortest text of a float32, of other numbers eight digits.
    static std::string text(double value);

    [[noreturn]] void fail(const Layer& layer, const std::string& what) const;
};

/// Whether the network text says that a layer's values of this field are in the file: beta=* or beta=**.
bool varies(const Layer& layer, std::string_view field);

/// What a layer says of a field, as a number; a reset is snnTorch's number. NaN for what it does not have.
double field_of(const Layer& layer, std::string_view field);

/// Whether two values are the same float32, or nearly: within 2⁻²² relative, or `loose` 10⁻⁶ for what was computed from
/// another.
bool same_value(double file, double text, bool loose);

/// Whether all of a parameter's values agree with what the layer says, by one of the readings of its name.
bool agrees(const NeuronParameter& parameter, const Layer& layer);

/// Makes the parameter the layer's, as one number or as values of its channels or neurons. What spikes count for goes
/// into the weights of all layers that read them. Gives a note. Throws InputError that names the layer and what it
/// cannot express.
std::string take_over(const NeuronParameter& parameter, Network& network, size_t index);

/// Throws InputError with both values: the file's and the network text's.
[[noreturn]] void refuse_contradiction(const NeuronParameter& parameter, const Layer& layer);

}  // namespace spikelens

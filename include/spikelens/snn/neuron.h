#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What happens to the membrane after a spike, where β is the leak and θ the threshold.
///  subtract, no delay: U' = βU[t−1] + I[t];  S[t] = [U' > θ];  U[t] = U' − θS[t]
///  subtract, delay:    U[t] = βU[t−1] + I[t] − θS[t−1];  S[t] = [U[t] > θ]
///  zero, no delay:     U' = βU[t−1] + I[t];  S[t] = [U' > θ];  U[t] = S[t] ? v_reset : U'
///  zero, delay:        U[t] = β(S[t−1] ? v_reset : U[t−1]) + I[t];  S[t] = [U[t] > θ]
///  none:               U[t] = βU[t−1] + I[t];  S[t] = [U[t] > θ]
enum class Reset { subtract, zero, none };

/// The words of resets in texts, files and options, in the order of Reset.
inline constexpr std::array<std::string_view, 3> kResetWords = {"subtract", "zero", "none"};

/// The reset of this word. Throws InputError with the words there are, and the nearest.
Reset parse_reset(std::string_view word);

/// A leaky integrate-and-fire neuron, complete: a network trained elsewhere keeps its exact meaning. U[0⁻] = 0.
/// The current is I[t] = gain · (weights·spikes + bias), times (1 − β) when `decay_input`. IF is beta = 1. A synapse
/// that keeps its current (alpha > 0; NIR's CubaLIF, snnTorch's Synaptic) gives the membrane J[t] = αJ[t−1] + I[t]
/// instead of I[t].
///
/// A threshold that adapts (adapt ≠ 0; ALIF, the LSNN of Bellec et al., NeurIPS 2018) is θ + A[t] instead of θ where a
/// spike is decided and where `subtract` without delay subtracts it: A[t] = ρA[t−1] + adapt·S[t−1], A[0] = 0. Its
/// potential, recorded and in gradients, is U[t] − A[t], which is compared with θ.
struct Neuron {
    float beta = 0.95F;      ///< leak per step, in [0, 1]
    float threshold = 1.0F;  ///< θ > 0
    Reset reset = Reset::subtract;
    bool delay = false;         ///< the reset acts one step after the spike
    bool at_threshold = false;  ///< fire when U ≥ θ instead of U > θ
    bool decay_input = false;   ///< scale the current by 1 − β
    float gain = 1.0F;          ///< scale of the current
    float v_reset = 0.0F;       ///< where `zero` puts the membrane
    float alpha = 0.0F;         ///< decay of the synaptic current per step, in [0, 1)
    float adapt = 0.0F;         ///< by how much a spike raises the threshold, 0 and above
    float rho = 0.0F;           ///< how much of what it has been raised by stays per step, in [0, 1)

    bool operator==(const Neuron&) const = default;
};

/// Values of a neuron's parameter that differ between the neurons of a layer: [channels] or [channels, height, width].
struct NeuronValue {
    std::string field;  ///< by its name in the table of fields, of one that is a number
    FloatArray values;
    bool operator==(const NeuronValue&) const = default;
};
/// In the order of the table. Of other parameters Neuron's own value holds for all.
using NeuronValues = std::vector<NeuronValue>;

/// The neuron at (channel, pixel) of a layer, where `pixel` is one of `pixels` in row-major order.
Neuron neuron_at(const Neuron& neuron, const NeuronValues& values, int64_t channel, int64_t pixel, int64_t pixels);

/// Whether spikes raise the threshold of any neuron of a layer.
bool adapts(const Neuron& neuron, const NeuronValues& values);

/// What a weighted sum of spikes becomes on its way to the membrane: gain, times 1 − β when `decay_input`.
template <class Real>
Real input_scale(const Neuron& neuron) {
    return Real(neuron.gain) * (neuron.decay_input ? Real(1) - Real(neuron.beta) : Real(1));
}

/// A field of a neuron: how network texts, model files and their documentation have it. The default is that of Neuron.
struct NeuronField {
    std::string_view name;  ///< in model files
    std::string_view word;  ///< in network texts: word=0.9, or the word alone where it is true
    std::variant<float Neuron::*, bool Neuron::*, Reset Neuron::*> member;
    std::string_view range;  ///< "0..1", "above 0": of a number
    bool (*holds)(float);    ///< whether a number is in this range; null for others
    bool optional;           ///< left out of model files where it has its default
    std::string_view words;  ///< what neuron_words adds for a value that is not the default; {} is the value
    std::string_view meaning;
};

/// All fields, in the order of network texts.
std::span<const NeuronField> neuron_fields();

/// Throws InputError, which begins with `who`, for a value out of its field's range, and for one that would do nothing:
/// rho without adapt, v_reset without a reset to it, a delay without a reset. `values` are those of the neuron's layer.
void check_neuron(const Neuron& neuron, const std::string& who, const NeuronValues& values = {});

/// The same of values of a layer [channels, height, width]: each of a field that is a number, once, in the table's
/// order, in range and of one of the two shapes.
void check_neuron_values(const NeuronValues& values, const Shape& layer, const std::string& who);

/// "IF", or "LIF(beta=0.9,delay)": every option that has not the default of Neuron; "beta=*" and "beta=**" for values
/// of channels and of neurons.
std::string neuron_text(const Neuron& neuron, const NeuronValues& values = {});

/// Sets what one option of a network text says: "beta=0.9", "reset=zero", "delay". What was wrong with it, or nothing.
std::optional<std::string> set_neuron_option(Neuron& neuron, std::string_view option);

/// "LIF β 0.9, θ 1, fires at U > θ, reset by subtraction", for people.
std::string neuron_words(const Neuron& neuron);

}  // namespace spikelens

#include "neuron_fields.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "weight_names.h"

namespace spikelens {
namespace {

constexpr double norse_dt = 1e-3;  ///< Norse's default; its state dicts do not hold it
constexpr double not_this = std::numeric_limits<double>::quiet_NaN();

double same(double value) { return value; }
double clamped(double value) { return std::clamp(value, 0.0, 1.0); }                // snnTorch uses it so
double one_minus_sigmoid(double w) { return 1 - 1 / (1 + std::exp(-w)); }           // SpikingJelly: 1/τ = σ(w)
double one_minus_inverse(double tau) { return tau >= 1 ? 1 - 1 / tau : not_this; }  // SpikingJelly
/// Sinabs counts τ in steps; less than one step is somebody's τ in seconds.
double exponential(double tau) { return tau >= 1 ? std::exp(-1 / tau) : not_this; }
double euler(double inverse) { return 1 - norse_dt * inverse; }  // Norse

/// Sources: snntorch 1.0 (_neurons/neurons.py, synaptic.py), spikingjelly 2.0 (activation_based/neuron), norse 1.1, sinabs 3.1
/// (layers/lif.py).
constexpr std::array<NeuronReading, 29> readings = {{
    {"beta", NeuronField::beta, clamped, ""},
    {"alpha", NeuronField::alpha, clamped, ""},
    {"threshold", NeuronField::threshold, same, ""},
    {"v_threshold", NeuronField::threshold, same, ""},
    {"v_th", NeuronField::threshold, same, ""},
    {"spike_threshold", NeuronField::threshold, same, ""},
    {"reset_mechanism_val", NeuronField::reset, same, ""},
    {"graded_spikes_factor", NeuronField::graded, same, ""},
    {"v_reset", NeuronField::v_reset, same, ""},
    {"w", NeuronField::beta, one_minus_sigmoid, "1 − sigmoid(w)"},
    {"tau", NeuronField::beta, one_minus_inverse, "1 − 1/τ"},
    {"tau", NeuronField::beta, exponential, "exp(−1/τ)"},
    {"alpha_mem", NeuronField::beta, same, ""},
    {"alpha_syn", NeuronField::alpha, same, ""},
    {"tau_mem", NeuronField::beta, exponential, "exp(−1/τ)"},
    {"tau_syn", NeuronField::alpha, exponential, "exp(−1/τ)"},
    {"tau_mem_inv", NeuronField::beta, euler, "1 − 0.001 · tau_mem_inv"},
    {"tau_syn_inv", NeuronField::alpha, euler, "1 − 0.001 · tau_syn_inv"},
    {"v_leak", NeuronField::other, same, ""},
    {"leak", NeuronField::other, same, ""},
    {"tau_ref", NeuronField::other, same, ""},
    {"rho", NeuronField::other, same, ""},
    {"tau_adapt", NeuronField::other, same, ""},
    {"tau_adapt_inv", NeuronField::other, same, ""},
    {"alpha_adapt", NeuronField::other, same, ""},
    {"adapt_scale", NeuronField::other, same, ""},
    {"min_v_mem", NeuronField::other, same, ""},
    {"v_offset", NeuronField::other, same, ""},
    {"v_subreset", NeuronField::other, same, ""},
}};

}  // namespace

std::vector<NeuronReading> neuron_readings(std::string_view leaf) {
    std::vector<NeuronReading> found;
    for (const NeuronReading& reading : readings)
        if (reading.leaf == leaf) found.push_back(reading);
    return found;
}

bool is_neuron_parameter(const std::string& name, const Shape& shape) {
    const std::string leaf = leaf_of(name);
    if (leaf == "w") return element_count(shape) == 1;
    return std::ranges::find(readings, leaf, &NeuronReading::leaf) != readings.end();
}

std::string_view field_name(NeuronField field) {
    constexpr std::array<std::string_view, 7> names = {
        "beta", "alpha", "threshold", "reset", "v_reset", "the size of a spike", "this parameter"};
    return names[static_cast<size_t>(field)];
}

}  // namespace spikelens

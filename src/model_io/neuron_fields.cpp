#include "neuron_fields.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "spikelens/snn/neuron.h"

#include "weight_names.h"

namespace spikelens {
namespace {

constexpr double kNorseDt = 1e-3;  ///< Norse's default; its state dicts do not hold it
constexpr double kNotThis = std::numeric_limits<double>::quiet_NaN();

double same(double value) { return value; }
double clamped(double value) { return std::clamp(value, 0.0, 1.0); }                // snnTorch uses it so
double one_minus_sigmoid(double w) { return 1 - 1 / (1 + std::exp(-w)); }           // SpikingJelly: 1/τ = σ(w)
double one_minus_inverse(double tau) { return tau >= 1 ? 1 - 1 / tau : kNotThis; }  // SpikingJelly
/// Sinabs counts τ in steps; less than one step is somebody's τ in seconds.
double exponential(double tau) { return tau >= 1 ? std::exp(-1 / tau) : kNotThis; }
double euler(double inverse) { return 1 - kNorseDt * inverse; }  // Norse

/// Sources: snntorch 1.0 (_neurons/neurons.py, synaptic.py), spikingjelly 2.0 (activation_based/neuron), norse 1.1,
/// sinabs 3.1 (layers/lif.py, alif.py).
constexpr std::array<NeuronReading, 28> kReadings = {{
    {"beta", "beta", clamped, ""},
    {"alpha", "alpha", clamped, ""},
    {"threshold", "threshold", same, ""},
    {"v_threshold", "threshold", same, ""},
    {"v_th", "threshold", same, ""},
    {"spike_threshold", "threshold", same, ""},
    {"reset_mechanism_val", "reset", same, ""},
    {"graded_spikes_factor", kGradedSpikes, same, ""},
    {"v_reset", "v_reset", same, ""},
    {"w", "beta", one_minus_sigmoid, "1 − sigmoid(w)"},
    {"tau", "beta", one_minus_inverse, "1 − 1/τ"},
    {"tau", "beta", exponential, "exp(−1/τ)"},
    {"alpha_mem", "beta", same, ""},
    {"alpha_syn", "alpha", same, ""},
    {"tau_mem", "beta", exponential, "exp(−1/τ)"},
    {"tau_syn", "alpha", exponential, "exp(−1/τ)"},
    {"tau_mem_inv", "beta", euler, "1 − 0.001 · tau_mem_inv"},
    {"tau_syn_inv", "alpha", euler, "1 − 0.001 · tau_syn_inv"},
    {"v_leak", kNoField, same, ""},
    {"leak", kNoField, same, ""},
    {"tau_ref", kNoField, same, ""},
    {"rho", "rho", same, ""},
    {"tau_adapt", "rho", exponential, "exp(−1/τ)"},
    {"alpha_adapt", "rho", same, ""},
    {"adapt_scale", kNoField, same, ""},
    {"min_v_mem", kNoField, same, ""},
    {"v_offset", kNoField, same, ""},
    {"v_subreset", kNoField, same, ""},
}};

}  // namespace

std::vector<NeuronReading> neuron_readings(const std::string& name) {
    const std::string leaf = leaf_of(name);
    const auto own = std::ranges::find(neuron_fields(), leaf, &NeuronField::name);
    if (leaf_of(stem_of(name)) == "neuron" && own != neuron_fields().end() && own->holds)
        return {{own->name, own->name, same, ""}};
    std::vector<NeuronReading> found;
    for (const NeuronReading& reading : kReadings)
        if (reading.leaf == leaf) found.push_back(reading);
    return found;
}

bool is_neuron_parameter(const std::string& name, const Shape& shape) {
    return leaf_of(name) == "w" ? element_count(shape) == 1 : !neuron_readings(name).empty();
}

}  // namespace spikelens

#include "nir_export_neuron.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

constexpr int kTries = 256;  ///< of neighbouring doubles; a float32 has 2²⁹ of them

/// The index-th double around a value: 0, +1, −1, +2, … in units of the last place.
double neighbour(double value, int index) {
    const double towards =
        index % 2 ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    for (int step = (index + 1) / 2; step > 0; --step) value = std::nextafter(value, towards);
    return value;
}

/// The first double around `start` that the condition holds for; nothing where there is none near.
template <class Condition>
std::optional<double> find_double(double start, Condition condition) {
    for (int index = 0; index < kTries; ++index)
        if (const double value = neighbour(start, index); condition(value)) return value;
    return std::nullopt;
}

/// What one neuron's parameters are.
struct Constants {
    double tau = 0, tau_syn = 0, w_in = 1, r = 0;
};

class NeuronWriter {
  public:
    NeuronWriter(const Layer& layer, const std::string& where) : layer_(layer), where_(where), neuron_(*layer.neuron) {}

    NirWrittenNeuron write() {
        if (adapts(neuron_, layer_.values)) refuse("a threshold that adapts");
        if (neuron_.delay) refuse("a reset that acts one step late");
        if (neuron_.at_threshold) refuse("spikes at the threshold, not only above it");
        if (neuron_.decay_input) refuse("an input scaled by 1 − beta (decay_input)");
        if (neuron_.reset == Reset::none) return write_threshold();
        const bool synapse = !all(&Neuron::alpha, 0), leaks = !all(&Neuron::beta, 1);
        if (synapse && !leaks) refuse("a synaptic current (alpha) without leak (beta = 1)");
        result_.type = synapse ? "CubaLIF" : leaks ? "LIF" : "IF";
        for (int64_t i = 0; i < neurons_; ++i) put(i);
        return std::move(result_);
    }

  private:
    [[noreturn]] void refuse(const std::string& what) const { refuse_nir_layer(where_, layer_, what); }

    Neuron at(int64_t i) const { return neuron_at(neuron_, layer_.values, i / pixels_, i % pixels_, pixels_); }
    bool all(float Neuron::*member, float value) const {
        for (int64_t i = 0; i < neurons_; ++i)
            if (at(i).*member != value) return false;
        return true;
    }

    /// Without a reset NIR knows the step alone: no memory, no gain.
    NirWrittenNeuron write_threshold() {
        if (!all(&Neuron::beta, 0) || !all(&Neuron::alpha, 0)) refuse("a neuron with memory that is never reset");
        if (!all(&Neuron::gain, 1) || !all(&Neuron::v_reset, 0)) refuse("a step with a gain or a v_reset");
        result_.type = "Threshold";
        for (int64_t i = 0; i < neurons_; ++i) add("threshold", at(i).threshold);
        return std::move(result_);
    }

    void add(const std::string& name, double value) { result_.parameters[name].push_back(value); }

    void put(int64_t i) {
        const Neuron neuron = at(i);
        const std::array key = {neuron.beta, neuron.alpha, neuron.gain};
        auto known = known_.find(key);
        if (known == known_.end()) known = known_.emplace(key, constants(neuron)).first;
        const Constants& found = known->second;
        add("r", found.r);
        add("v_threshold", neuron.threshold);
        add("v_reset", neuron.v_reset);
        if (result_.type == "IF") return;
        add(result_.type == "LIF" ? "tau" : "tau_mem", found.tau);
        add("v_leak", 0);
        if (result_.type == "LIF") return;
        add("tau_syn", found.tau_syn);
        add("w_in", found.w_in);
    }

    /// τ with float32(1 − dt/τ) = decay.
    double find_tau(float decay, const char* what) const {
        const auto says = [&](double tau) {
            return tau < std::numeric_limits<double>::infinity() &&
                   static_cast<float>(std::max(1 - kNirWrittenDt / tau, 0.0)) == decay;
        };
        return sayable(find_double(kNirWrittenDt / (1 - double{decay}), says), what);
    }
    double sayable(std::optional<double> value, const char* what) const {
        if (!value) refuse(fmt::format("its {} cannot be said in NIR's parameters to the bit", what));
        return *value;
    }

    Constants constants(const Neuron& neuron) const {
        Constants found;
        double gain = kNirWrittenDt;
        if (result_.type != "IF") {
            found.tau = find_tau(neuron.beta, "beta");
            gain = kNirWrittenDt / found.tau;
        }
        if (result_.type == "CubaLIF") {
            found.tau_syn = find_tau(neuron.alpha, "alpha");
            found.w_in = found.tau_syn / kNirWrittenDt;
            gain = found.w_in * (gain * (kNirWrittenDt / found.tau_syn));
        }
        const auto says = [&](double r) { return static_cast<float>(r * gain) == neuron.gain; };
        found.r = sayable(find_double(neuron.gain / gain, says), "gain");
        return found;
    }

    const Layer& layer_;
    const std::string& where_;
    const Neuron& neuron_;
    const int64_t pixels_ = int64_t{layer_.out_height} * layer_.out_width;
    const int64_t neurons_ = layer_.out_channels * pixels_;
    std::map<std::array<float, 3>, Constants> known_;
    NirWrittenNeuron result_;
};

}  // namespace

void refuse_nir_layer(const std::string& where, const Layer& layer, const std::string& what) {
    throw InputError(fmt::format("{}: NIR has no word for layer {}: {}", where, layer.name, what));
}

NirWrittenNeuron write_nir_neuron(const Layer& layer, const std::string& where) {
    return NeuronWriter(layer, where).write();
}

/// A leaky readout has no gain: r times what the node makes of it must be 1 in double precision, or the weights would
/// be rounded.
NirWrittenNeuron write_nir_readout(const Layer& layer, const std::string& where) {
    const auto refuse = [&](const char* what) {
        refuse_nir_layer(where, layer, fmt::format("its {} cannot be said in NIR's parameters to the bit", what));
    };
    const auto decays = [](double tau, float decay) {
        return std::isfinite(tau) && static_cast<float>(std::max(1 - kNirWrittenDt / tau, 0.0)) == decay;
    };
    const bool synapse = layer.readout_alpha != 0;
    const auto tau_syn = find_double(kNirWrittenDt / (1 - double{layer.readout_alpha}),
                                     [&](double tau) { return decays(tau, layer.readout_alpha); });
    if (!tau_syn) refuse("readout_alpha");
    const double w_in = *tau_syn / kNirWrittenDt;
    double r = 0;
    const auto says = [&](double tau) {
        double gain = kNirWrittenDt / tau;
        if (!decays(tau, layer.readout_beta)) return false;
        if (synapse) gain = w_in * (gain * (kNirWrittenDt / *tau_syn));
        for (int index = 0; index < 5; ++index) {
            r = neighbour(1 / gain, index);
            if (r * gain == 1) return true;
        }
        return false;
    };
    const auto tau = find_double(kNirWrittenDt / (1 - double{layer.readout_beta}), says);
    if (!tau) refuse("readout_beta");
    const auto every = [&](double value) { return std::vector<double>(layer.out_channels, value); };
    NirWrittenNeuron written{synapse ? "CubaLI" : "LI", {{"r", every(r)}, {"v_leak", every(0)}}};
    written.parameters[synapse ? "tau_mem" : "tau"] = every(*tau);
    if (synapse) written.parameters["tau_syn"] = every(*tau_syn), written.parameters["w_in"] = every(w_in);
    return written;
}

}  // namespace spikelens

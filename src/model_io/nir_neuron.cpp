#include "nir_neuron.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include <fmt/format.h>

namespace spikelens {
namespace {

constexpr double kCloseToOne = 1e-6;  ///< of r·dt/τ, where r and τ were rounded to float32

/// A neuron's parameters as its equation has them, for each neuron of the layer or for all.
struct Parameters {
    NirSpread beta, alpha, gain, threshold, v_reset, leak;  ///< leak: the current that v_leak is
    bool decay_input = false;
};

class ParameterReader {
  public:
    ParameterReader(const NirNodeReader& reader, const NirRules& rules, const Shape& axes, const std::string& where)
        : reader_(reader), rules_(rules), axes_(axes), where_(where), type_(reader.node().type) {}

    Parameters dynamics() {
        const bool cuba = type_.starts_with("Cuba"), leaky = type_ == "LIF" || type_ == "LI";
        const NirSpread r = reader_.spread("r", axes_), w_in = reader_.spread("w_in", axes_, 1.0);
        const NirSpread v_leak = reader_.spread("v_leak", axes_, 0.0);
        const NirSpread tau = leaky || cuba ? reader_.spread(cuba ? "tau_mem" : "tau", axes_) : NirSpread{{0.0}};
        const NirSpread tau_syn = cuba ? reader_.spread("tau_syn", axes_) : NirSpread{{0.0}};
        const bool single = (leaky || cuba) && reader_.numbers(cuba ? "tau_mem" : "tau").type == NirType::float32;
        Parameters all;
        const size_t count = std::max(
            {r.values.size(), w_in.values.size(), v_leak.values.size(), tau.values.size(), tau_syn.values.size()});
        for (int64_t i = 0; i < static_cast<int64_t>(count); ++i) {
            const NirDynamics step = nir_dynamics(rules_, reader_.node(), {tau.at(i), tau_syn.at(i), single}, where_);
            all.decay_input = step.decay_input;
            all.beta.values.push_back(step.beta);
            all.alpha.values.push_back(step.alpha);
            all.gain.values.push_back(gain(r.at(i), w_in.at(i) * step.gain));
            all.leak.values.push_back((step.decay_input ? 1 : 1 - step.beta) * v_leak.at(i));
        }
        return all;
    }

    NirSpread threshold(const std::string& name) const {
        NirSpread values = reader_.spread(name, axes_);
        for (const double value : values.values)
            if (!(static_cast<float>(value) > 0))
                reader_.fail(fmt::format("has {} = {}, expected a value above 0", name, value));
        return values;
    }

  private:
    double gain(double r, double unit) const {
        const double gain = r * unit;
        const bool is_one = rules_.dialect == NirDialect::snntorch && std::abs(gain - 1) < kCloseToOne;
        return is_one ? 1 : gain;
    }

    const NirNodeReader& reader_;
    const NirRules& rules_;
    const Shape& axes_;
    const std::string& where_;
    const std::string& type_;
};

/// a ∘ b for every element.
NirSpread combine(const NirSpread& a, const NirSpread& b, const std::function<double(double, double)>& with) {
    NirSpread result;
    result.values.resize(std::max(a.values.size(), b.values.size()));
    for (size_t i = 0; i < result.values.size(); ++i)
        result.values[i] = with(a.at(static_cast<int64_t>(i)), b.at(static_cast<int64_t>(i)));
    return result;
}

/// Puts parameters into a neuron: as one number where they are the same everywhere, else as values of it.
class NeuronMaker {
  public:
    NeuronMaker(const NirNodeReader& reader, const NirRules& rules, const Shape& layer, NirNeuron& result)
        : reader_(reader), rules_(rules), layer_(layer), result_(result) {}

    void put(const std::string& field, float Neuron::*member, NirSpread spread) {
        for (double& value : spread.values) value = narrow(field, value);  // what is one number in float32 is one
        const std::string own = reader_.node().name + "." + field + "=*";
        const bool same = spread.all(spread.at(0)), by_neuron = rules_.varying.contains(own + "*");
        const bool varies = rules_.own ? by_neuron || rules_.varying.contains(own) : !same;
        if (!varies && !same)
            reader_.fail(fmt::format("has a {} that differs between neurons, which the file denies", field));
        if (!varies) {
            result_.neuron.*member = static_cast<float>(spread.at(0));
            return;
        }
        const std::optional<std::vector<double>> by_channel = channel_values(spread, layer_[0], element_count(layer_));
        if (rules_.own && !by_neuron && !by_channel)
            reader_.fail(fmt::format("has a {} that differs inside a channel, which the file denies", field));
        const bool each = by_neuron || !by_channel;
        NeuronValue value{field, FloatArray(each ? layer_ : Shape{layer_[0]})};
        for (int64_t i = 0; i < value.values.size(); ++i)
            value.values.data[i] = static_cast<float>(each ? spread.at(i) : (*by_channel)[i]);
        result_.values.push_back(std::move(value));
    }

  private:
    float narrow(const std::string& field, double value) const {
        const auto single = static_cast<float>(value);
        if (!std::isfinite(single)) reader_.fail("has a parameter too large for float32");
        if (field == "alpha" && single >= 1)
            reader_.fail("has a tau_syn so long that its current does not decay in float32");
        return single;
    }

    const NirNodeReader& reader_;
    const NirRules& rules_;
    const Shape& layer_;
    NirNeuron& result_;
};

bool is_zero(const NirSpread& spread) { return spread.all(0); }

/// Norse and SpikingJelly start their membranes at rest. Counted from there, ours starts at 0 likewise.
void count_from_rest(const NirNodeReader& reader, const NirRules& rules, Parameters& all, const NirSpread& v_leak) {
    if (rules.dialect != NirDialect::norse && rules.dialect != NirDialect::spikingjelly) return;
    const bool leaks = reader.node().type != "IF";
    if (leaks && rules.dialect == NirDialect::spikingjelly && v_leak.values != all.v_reset.values && !is_zero(v_leak))
        return;
    const NirSpread rest = leaks ? v_leak : all.v_reset;
    if (is_zero(rest)) return;
    const auto minus = [](double a, double b) { return a - b; };
    all.threshold = combine(all.threshold, rest, minus);
    all.v_reset = combine(all.v_reset, rest, minus);
    all.leak = {{0.0}};
    if (!std::ranges::all_of(all.threshold.values, [](double value) { return static_cast<float>(value) > 0; }))
        reader.fail("has a v_threshold that is not above the voltage at rest");
}

NirNeuron threshold_neuron(const NirNodeReader& reader, const NirRules& rules, const NirSpread& threshold,
                           const Shape& layer, const NirSpread& scale) {
    NirNeuron result;
    result.neuron.beta = 0;
    result.neuron.reset = Reset::none;
    NeuronMaker maker(reader, rules, layer, result);
    maker.put("threshold", &Neuron::threshold, threshold);
    maker.put("gain", &Neuron::gain, scale);
    return result;
}

}  // namespace

NirNeuron nir_neuron(const NirNodeReader& reader, const NirRules& rules, const Shape& axes, const Shape& layer,
                     const NirSpread& scale, const std::string& where) {
    ParameterReader parameters(reader, rules, axes, where);
    if (reader.node().type == "Threshold")
        return threshold_neuron(reader, rules, parameters.threshold("threshold"), layer, scale);
    Parameters all = parameters.dynamics();
    all.threshold = parameters.threshold("v_threshold");
    all.v_reset = reader.spread("v_reset", axes, 0.0);
    NirNeuron result;
    Neuron& neuron = result.neuron;
    neuron.reset = rules.subtract.contains(reader.node().name) ? Reset::subtract : rules.reset;
    neuron.delay = rules.delay;
    neuron.at_threshold = rules.at_threshold;
    neuron.decay_input = all.decay_input;
    if (neuron.reset != Reset::zero && !rules.own && !is_zero(all.v_reset))
        reader.fail("has a 'v_reset' that is not 0, but its reset was taken to be by subtraction or none");
    if (neuron.reset == Reset::zero) count_from_rest(reader, rules, all, reader.spread("v_leak", axes, 0.0));
    const NirSpread gain = combine(all.gain, scale, std::multiplies<>());
    if (!is_zero(all.leak)) {
        if (!is_zero(all.alpha))
            reader.fail("has a 'v_leak' that is not 0, which a neuron with a synaptic current cannot have here");
        if (std::ranges::find(gain.values, 0.0) != gain.values.end())
            reader.fail("has a 'v_leak' that is not 0 with an 'r' that is");
        result.bias = combine(all.leak, gain, std::divides<>());
    }
    NeuronMaker maker(reader, rules, layer, result);
    maker.put("beta", &Neuron::beta, all.beta);
    maker.put("threshold", &Neuron::threshold, all.threshold);
    maker.put("gain", &Neuron::gain, gain);
    maker.put("v_reset", &Neuron::v_reset, all.v_reset);
    maker.put("alpha", &Neuron::alpha, all.alpha);
    return result;
}

NirReadout nir_readout(const NirNodeReader& reader, const NirRules& rules, const Shape& axes,
                       const std::string& where) {
    const Parameters all = ParameterReader(reader, rules, axes, where).dynamics();
    if (!all.beta.all(all.beta.at(0)))
        reader.fail("is a readout whose 'tau' differs between outputs; a readout has one leak");
    if (!all.alpha.all(all.alpha.at(0)))
        reader.fail("is a readout whose 'tau_syn' differs between outputs; a readout has one");
    NirReadout result{static_cast<float>(all.beta.at(0)), static_cast<float>(all.alpha.at(0)), all.gain, all.leak};
    if (result.alpha >= 1) reader.fail("has a tau_syn so long that its current does not decay in float32");
    if (result.alpha != 0 && !is_zero(all.leak))
        reader.fail("has a 'v_leak' that is not 0, which a readout with a synaptic current cannot have here");
    if (all.decay_input)
        for (double& gain : result.gain.values) gain *= 1 - all.beta.at(0);
    if (all.decay_input)
        for (double& leak : result.leak.values) leak *= 1 - all.beta.at(0);
    return result;
}

}  // namespace spikelens

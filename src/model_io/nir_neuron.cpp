#include "nir_neuron.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace spikelens {
namespace {

using Values = std::vector<double>;

bool uniform(const Values& values) {
    return std::ranges::all_of(values, [&](double value) { return value == values[0]; });
}

/// A neuron's parameters, one value per output.
struct Parameters {
    NirDynamics dynamics;
    Values gain, threshold, v_reset, v_leak;
};

NirDynamics read_dynamics(const NirNodeReader& reader, const NirRules& rules, const Shape& shape, const std::string& where) {
    const std::string& type = reader.node().type;
    NirTimeConstants constants;
    if (type == "LIF" || type == "LI") constants.tau_mem = reader.uniform("tau", shape);
    if (type == "CubaLIF" || type == "CubaLI") constants = {reader.uniform("tau_mem", shape), reader.uniform("tau_syn", shape)};
    return nir_dynamics(rules, reader.node(), constants, where);
}

Parameters read_parameters(const NirNodeReader& reader, const NirRules& rules, const Shape& shape, int outputs,
                           const std::string& where) {
    Parameters all;
    all.dynamics = read_dynamics(reader, rules, shape, where);
    all.gain = reader.per_output("r", shape, outputs);
    const Values w_in = reader.per_output("w_in", shape, outputs, 1.0);
    for (int o = 0; o < outputs; ++o) all.gain[o] *= w_in[o] * all.dynamics.gain;
    all.v_leak = reader.per_output("v_leak", shape, outputs, 0.0);
    if (reader.node().type == "LI" || reader.node().type == "CubaLI") return all;
    all.threshold = reader.per_output("v_threshold", shape, outputs);
    all.v_reset = reader.per_output("v_reset", shape, outputs, 0.0);
    for (double threshold : all.threshold)
        if (!(static_cast<float>(threshold) > 0))
            reader.fail(fmt::format("has v_threshold = {}, expected a value above 0", threshold));
    return all;
}

/// The membrane in units of its own threshold, with a current that needs no further scale.
void move_into_weights(const NirNodeReader& reader, Reset reset, Parameters& all, NirWeights& weights) {
    const bool rescale = !uniform(all.threshold);
    Values scale = all.gain;
    for (size_t o = 0; rescale && o < scale.size(); ++o) {
        scale[o] /= all.threshold[o];
        all.v_leak[o] /= all.threshold[o];
        all.v_reset[o] /= all.threshold[o];
        all.threshold[o] = 1;
    }
    if (rescale && reset == Reset::zero && !uniform(all.v_reset))
        reader.fail("has a 'v_threshold' that differs between outputs and a 'v_reset' that does not differ with it");
    scale_outputs(weights, scale);
    std::ranges::fill(all.gain, 1.0);
}

/// Towards v_leak instead of 0: a constant current. β·U + (1−β)·v_leak.
void add_leak_bias(const NirNodeReader& reader, const Parameters& all, NirWeights& weights) {
    if (std::ranges::all_of(all.v_leak, [](double v) { return v == 0; })) return;
    if (all.dynamics.alpha > 0)
        reader.fail("has a 'v_leak' that is not 0, which a neuron with a synaptic current cannot have here");
    if (!weights.has_bias) weights.bias.assign(weights.outputs, 0.0);
    weights.has_bias = true;
    for (int o = 0; o < weights.outputs; ++o) {
        if (all.gain[o] == 0) reader.fail("has a 'v_leak' that is not 0 with an 'r' that is");
        weights.bias[o] += (all.dynamics.decay_input ? 1 : 1 - all.dynamics.beta) * all.v_leak[o] / all.gain[o];
    }
}

Neuron threshold_neuron(const NirNodeReader& reader, const Shape& shape, NirWeights& weights) {
    Parameters all;
    all.gain.assign(weights.outputs, 1.0);
    all.threshold = reader.per_output("threshold", shape, weights.outputs);
    all.v_reset.assign(weights.outputs, 0.0);
    all.v_leak = all.v_reset;
    for (double threshold : all.threshold)
        if (!(static_cast<float>(threshold) > 0))
            reader.fail(fmt::format("has threshold = {}, expected a value above 0", threshold));
    if (!uniform(all.threshold)) move_into_weights(reader, Reset::none, all, weights);
    Neuron neuron;
    neuron.beta = 0;
    neuron.threshold = static_cast<float>(all.threshold[0]);
    neuron.reset = Reset::none;
    return neuron;
}

void check_finite(const NirNodeReader& reader, const Neuron& neuron) {
    if (!std::isfinite(neuron.gain) || !std::isfinite(neuron.threshold) || !std::isfinite(neuron.v_reset))
        reader.fail("has a parameter too large for float32");
    if (neuron.alpha >= 1) reader.fail("has a tau_syn so long that its current does not decay in float32");
}

}  // namespace

Neuron nir_neuron(const NirNodeReader& reader, const NirRules& rules, const Shape& shape, NirWeights& weights,
                  const std::string& where) {
    if (reader.node().type == "Threshold") return threshold_neuron(reader, shape, weights);
    Parameters all = read_parameters(reader, rules, shape, weights.outputs, where);
    const bool subtract = rules.subtract.contains(reader.node().name);
    Neuron neuron;
    neuron.reset = subtract ? Reset::subtract : rules.reset;
    neuron.delay = rules.delay;
    neuron.at_threshold = rules.at_threshold;
    const bool reset_unused = neuron.reset != Reset::zero && !rules.own;
    if (reset_unused && std::ranges::any_of(all.v_reset, [](double v) { return v != 0; }))
        reader.fail("has a 'v_reset' that is not 0, but its reset was taken to be by subtraction or none");
    if (!uniform(all.gain) || !uniform(all.threshold)) move_into_weights(reader, neuron.reset, all, weights);
    if (!uniform(all.v_reset)) reader.fail("has a 'v_reset' that differs between outputs; a layer has one value");
    add_leak_bias(reader, all, weights);
    neuron.beta = static_cast<float>(all.dynamics.beta);
    neuron.alpha = static_cast<float>(all.dynamics.alpha);
    neuron.decay_input = all.dynamics.decay_input;
    neuron.gain = static_cast<float>(all.gain[0]);
    neuron.threshold = static_cast<float>(all.threshold[0]);
    neuron.v_reset = static_cast<float>(all.v_reset[0]);
    check_finite(reader, neuron);
    return neuron;
}

float nir_readout(const NirNodeReader& reader, const NirRules& rules, const Shape& shape, NirWeights& weights,
                  const std::string& where) {
    Parameters all = read_parameters(reader, rules, shape, weights.outputs, where);
    if (static_cast<float>(all.dynamics.alpha) > 0)
        reader.fail("is a readout with a synaptic current, which is not supported; LI is");
    if (all.dynamics.decay_input)
        for (double& gain : all.gain) gain *= 1 - all.dynamics.beta;
    all.dynamics.decay_input = false;
    if (std::ranges::any_of(all.gain, [](double gain) { return gain != 1; })) scale_outputs(weights, all.gain);
    std::ranges::fill(all.gain, 1.0);
    add_leak_bias(reader, all, weights);
    return static_cast<float>(all.dynamics.beta);
}

}  // namespace spikelens

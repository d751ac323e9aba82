#include "neuron_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <variant>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "nir_node.h"
#include "pickle_globals.h"
#include "weight_names.h"

namespace spikelens {
namespace {

constexpr int64_t most_values = int64_t{1} << 26;
constexpr double float_step = 0x1p-22;
constexpr double computed_step = 1e-6;

bool uniform(const std::vector<double>& values) {
    return std::ranges::all_of(values, [&](double value) { return value == values[0]; });
}

Shape output_shape(const Layer& layer) {
    if (layer.kind == LayerKind::full) return {layer.out_channels};
    return {layer.out_channels, layer.out_height, layer.out_width};
}

/// A leading batch axis of 1 says nothing.
NirValue as_value(const StateTensor& tensor, size_t axes) {
    Shape shape = tensor.view.shape;
    while (shape.size() > axes && shape[0] == 1) shape.erase(shape.begin());
    return nir_numbers(NirType::float64, shape, tensor_numbers(tensor.view));
}

/// A value of a field as a network text has it.
std::string field_text(std::string_view field, double value) {
    if (field == "reset" && value >= 0 && value <= 2 && value == std::floor(value))
        return std::string(reset_words[static_cast<size_t>(value)]);
    return NeuronParameter::text(value);
}

float Neuron::*number_member(std::string_view field) {
    return std::get<float Neuron::*>(std::ranges::find(neuron_fields(), field, &NeuronField::name)->member);
}

/// Rows of a layer's weights and its biases, in double precision and rounded once.
void divide_outputs(Layer& layer, const std::vector<double>& by) {
    const int64_t fan_in = layer.fan_in();
    for (size_t i = 0; i < layer.weight.data.size(); ++i)
        layer.weight.data[i] = static_cast<float>(layer.weight.data[i] / by[i / static_cast<size_t>(fan_in)]);
    for (size_t o = 0; o < layer.bias.data.size(); ++o) layer.bias.data[o] = static_cast<float>(layer.bias.data[o] / by[o]);
}

/// Weights of a layer per channel of its input.
void multiply_inputs(Layer& layer, const std::vector<double>& by) {
    const auto per_channel = static_cast<size_t>(layer.fan_in() / layer.in_channels);
    for (size_t i = 0; i < layer.weight.data.size(); ++i)
        layer.weight.data[i] =
            static_cast<float>(layer.weight.data[i] * by[i / per_channel % static_cast<size_t>(layer.in_channels)]);
}

std::string take_threshold(const NeuronParameter& parameter, const std::vector<double>& values, Layer& layer) {
    for (const double value : values)
        if (!(static_cast<float>(value) > 0))
            parameter.fail(layer, fmt::format("is {:g}, expected a threshold above 0", value));
    if (uniform(values)) {
        layer.neuron->threshold = static_cast<float>(values[0]);
        return "";
    }
    if (layer.neuron->reset == Reset::zero && layer.neuron->v_reset != 0)
        parameter.fail(layer, "differs between outputs, and the value that a spike resets the membrane to does not");
    divide_outputs(layer, values);
    layer.neuron->threshold = 1;
    return fmt::format("folded into {}.weight{}: the membrane in units of its threshold", layer.name,
                       layer.has_bias ? fmt::format(" and {}.bias", layer.name) : "");
}

std::string take_graded(const NeuronParameter& parameter, const std::vector<double>& values, Layer& layer, Layer* next) {
    if (std::ranges::all_of(values, [](double value) { return value == 1; })) return "";
    if (!next) parameter.fail(layer, "is not 1, but its spikes are the network's outputs, which are counted as 1");
    if (layer.pool.kind == PoolKind::max && std::ranges::any_of(values, [](double value) { return value < 0; }))
        parameter.fail(layer, "is below 0 before a maximum, which cannot be expressed");
    std::vector<double> each = values;
    each.resize(static_cast<size_t>(layer.out_channels), values[0]);
    multiply_inputs(*next, each);
    return fmt::format("folded into {}.weight", next->name);
}

double converted(const NeuronParameter& parameter, const Layer& layer, const std::vector<double>& values) {
    const std::vector<NeuronReading> readings = neuron_readings(leaf_of(parameter.tensor->name));
    const std::string field(readings[0].field);
    if (!uniform(values))
        parameter.fail(layer,
                       fmt::format("differs between outputs ({}); a layer has one {}", NeuronParameter::text(values), field));
    if (readings.size() > 1)
        parameter.fail(layer, fmt::format("is {:g}, which libraries read in two ways, {} and {}: say {} in the network text",
                                          values[0], readings[0].from, readings[1].from, field));
    const double value = readings[0].convert(values[0]);
    if (!std::isfinite(value))
        parameter.fail(layer, fmt::format("is {:g}, which gives no {} here: is it in seconds?", values[0], field));
    return value;
}

void take_single(const NeuronParameter& parameter, Layer& layer, std::string_view field, double value) {
    Neuron& neuron = *layer.neuron;
    if (field == "v_reset") neuron.reset = Reset::zero;
    if (field != "reset") {
        neuron.*number_member(field) = static_cast<float>(value);
        return;
    }
    if (value != 0 && value != 1 && value != 2)
        parameter.fail(layer, fmt::format("is {:g}, expected 0 (subtract), 1 (zero) or 2 (none)", value));
    neuron.reset = static_cast<Reset>(static_cast<int>(value));
    neuron.v_reset = 0;  // snnTorch knows no other
}

/// A readout without neuron takes a leak; of a neuron that is never reset, nothing else matters.
std::string take_readout(const NeuronParameter& parameter, Layer& layer, const std::vector<double>& values,
                         std::string_view field) {
    if (field == "beta") layer.readout_beta = static_cast<float>(converted(parameter, layer, values));
    if (agrees(parameter, layer)) return "";
    parameter.fail(layer, "belongs to a neuron, but the network text gives this layer none");
}

}  // namespace

void NeuronParameter::fail(const Layer& layer, const std::string& what) const {
    throw InputError(fmt::format("{}: {}, a neuron's parameter for {}, {}", where, shown(tensor->from), layer.name, what));
}

std::string NeuronParameter::text(const std::vector<double>& values) {
    const auto [least, most] = std::ranges::minmax(values);
    return least == most ? text(least) : text(least) + " to " + text(most);
}

std::string NeuronParameter::text(double value) {
    const auto narrow = static_cast<float>(value);
    return narrow == value ? fmt::format("{}", narrow) : fmt::format("{:.8g}", value);
}

std::vector<double> NeuronParameter::values(const Layer& layer) const {
    const Shape shape = output_shape(layer);
    const int64_t count = element_count(tensor->view.shape);
    if (count < 1 || count > most_values || count > element_count(shape))
        fail(layer,
             fmt::format("has the shape {}, but the layer's output has {}", shape_text(tensor->view.shape), shape_text(shape)));
    NirNode node{tensor->from, "neuron", {}};
    const std::string leaf = leaf_of(tensor->name);
    node.values[leaf] = as_value(*tensor, shape.size());
    std::vector<double>& all = node.values[leaf].numbers;
    const bool bound = leaf == "min_v_mem";
    if (bound)
        for (double& value : all) value = std::max(value, std::numeric_limits<double>::lowest());
    if (count == 1 && std::isfinite(all[0])) return all;
    return NirNodeReader(node, where + ", " + layer.name).per_output(leaf, shape, layer.out_channels);
}

double field_of(const Layer& layer, std::string_view field) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (!layer.neuron) return field == "beta" ? layer.readout_beta : field == "reset" ? 2 : none;
    const Neuron& neuron = *layer.neuron;
    if (field == "reset") return static_cast<double>(neuron.reset);
    const bool says_nothing =
        field == graded_spikes || field == no_field || (field == "v_reset" && neuron.reset != Reset::zero);
    return says_nothing ? none : neuron.*number_member(field);
}

bool same_value(double file, double text, bool loose) {
    return static_cast<float>(file) == static_cast<float>(text) ||
           std::abs(file - text) <= (loose ? computed_step : float_step) * std::max(std::abs(file), std::abs(text));
}

bool agrees(const NeuronParameter& parameter, const Layer& layer) {
    const std::string leaf = leaf_of(parameter.tensor->name);
    const std::vector<double> values = parameter.values(layer);
    const auto all = [&](const auto& condition) { return std::ranges::all_of(values, condition); };
    for (const NeuronReading& reading : neuron_readings(leaf)) {
        if (reading.field == graded_spikes && all([](double value) { return value == 1; })) return true;
        const bool unused_threshold = !layer.neuron && reading.field == "threshold";
        if (unused_threshold) return true;
        if (leaf == "v_leak" && all([](double value) { return value == 0; })) return true;
        if (leaf == "min_v_mem" && all([](double value) { return value <= std::numeric_limits<float>::lowest(); })) return true;
        if (!layer.neuron && reading.field == "alpha" && all([](double value) { return value == 0; })) return true;
        const double text = field_of(layer, reading.field);
        if (all([&](double value) { return same_value(reading.convert(value), text, !reading.from.empty()); })) return true;
    }
    return false;
}

std::string take_over(const NeuronParameter& parameter, Layer& layer, Layer* next) {
    const std::string_view field = neuron_readings(leaf_of(parameter.tensor->name))[0].field;
    const std::vector<double> values = parameter.values(layer);
    if (field == no_field) {
        if (agrees(parameter, layer)) return "says nothing: it has no effect";
        parameter.fail(layer, fmt::format("is {}, which a neuron here cannot express", NeuronParameter::text(values)));
    }
    if (!layer.neuron) return take_readout(parameter, layer, values, field);
    std::string note;
    if (field == graded_spikes)
        note = take_graded(parameter, values, layer, next);
    else if (field == "threshold")
        note = take_threshold(parameter, values, layer);
    else
        take_single(parameter, layer, field, converted(parameter, layer, values));
    return note;
}

void refuse_contradiction(const NeuronParameter& parameter, const Layer& layer) {
    const std::vector<NeuronReading> readings = neuron_readings(leaf_of(parameter.tensor->name));
    const std::vector<double> values = parameter.values(layer);
    const NeuronReading& reading = readings[0];
    const double text = field_of(layer, reading.field);
    if (!layer.neuron) parameter.fail(layer, "belongs to a neuron that fires, but the network text gives this layer a readout");
    if (reading.field == no_field)
        parameter.fail(layer, fmt::format("is {}, which a neuron here cannot express: to import without it, the network text's "
                                          "neurons must be asked for",
                                          NeuronParameter::text(values)));
    std::string file = uniform(values) ? field_text(reading.field, values[0]) : NeuronParameter::text(values);
    for (const NeuronReading& one : readings)
        if (!one.from.empty() && uniform(values))
            file += fmt::format(", {} = {:.8g} by {}", one.field, one.convert(values[0]), one.from);
    const std::string says =
        std::isnan(text) ? "another reset" : fmt::format("{} = {}", reading.field, field_text(reading.field, text));
    parameter.fail(layer,
                   fmt::format("is {}, but the network text says {}: change the text, or choose whose neurons count, the "
                               "file's or the text's",
                               file, says));
}

}  // namespace spikelens

#include "neuron_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <variant>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "pickle_globals.h"
#include "weight_names.h"
#include "weight_norms.h"

namespace spikelens {
namespace {

constexpr double kFloatStep = 0x1p-22;
constexpr double kComputedStep = 1e-6;

bool all_equal(std::span<const double> values) {
    return std::ranges::all_of(values, [&](double value) { return value == values[0]; });
}

/// [C, H, W] of a map, else [C].
Shape output_shape(const Layer& layer) {
    if (layer.out_height * layer.out_width == 1) return {layer.out_channels};
    return layer.output_shape();
}

/// The parameter's own shape against the layer's output: axes of 1 in front say nothing, and none behind a single
/// pixel. Values of channels in a file of ours have one axis.
Shape spread_shape(const NeuronParameter& parameter, const Layer& layer, const Shape& output) {
    Shape shape = parameter.tensor->view.shape;
    if (parameter.tensor->name.starts_with(layer.name + ".neuron.") && shape == Shape{layer.out_channels} &&
        output.size() == 3)
        return {layer.out_channels, 1, 1};
    while (shape.size() > output.size() && shape.back() == 1 && output.size() == 1) shape.pop_back();
    while (shape.size() > output.size() && shape[0] == 1) shape.erase(shape.begin());
    return shape;
}

/// As NumPy broadcasts; nothing when the shapes do not fit.
std::vector<double> spread(const std::vector<double>& numbers, const Shape& shape, const Shape& output) {
    if (shape.size() > output.size()) return {};
    const size_t missing = output.size() - shape.size();
    for (size_t axis = 0; axis < shape.size(); ++axis)
        if (shape[axis] != 1 && shape[axis] != output[axis + missing]) return {};
    std::vector<double> all(static_cast<size_t>(element_count(output)));
    for (size_t i = 0; i < all.size(); ++i) {
        size_t rest = i, place = 0, step = 1;
        for (size_t axis = output.size(); axis-- > 0;) {
            const size_t at = rest % static_cast<size_t>(output[axis]);
            rest /= static_cast<size_t>(output[axis]);
            if (axis < missing) continue;
            const auto extent = static_cast<size_t>(shape[axis - missing]);
            if (extent > 1) place += at * step;
            step *= extent;
        }
        all[i] = numbers[place];
    }
    return all;
}

/// One number where all are the same, one for each channel where its neurons are.
NeuronNumbers together(std::vector<double> all, const Layer& layer) {
    if (all_equal(all)) return {{}, {all[0]}};
    const size_t pixels = all.size() / static_cast<size_t>(layer.out_channels);
    std::vector<double> channels;
    for (size_t i = 0; i < all.size(); i += pixels) {
        if (!all_equal(std::span(all).subspan(i, pixels))) return {layer.output_shape(), std::move(all)};
        channels.push_back(all[i]);
    }
    return {{layer.out_channels}, std::move(channels)};
}

/// A value of a field as a network text has it.
std::string field_text(std::string_view field, double value) {
    if (field == "reset" && value >= 0 && value <= 2 && value == std::floor(value))
        return std::string(kResetWords[static_cast<size_t>(value)]);
    return NeuronParameter::text(value);
}

/// How a network text says a field.
std::string_view word_of(std::string_view field) {
    return std::ranges::find(neuron_fields(), field, &NeuronField::name)->word;
}

float Neuron::*number_member(std::string_view field) {
    return std::get<float Neuron::*>(std::ranges::find(neuron_fields(), field, &NeuronField::name)->member);
}

std::string take_graded(const NeuronParameter& parameter, const NeuronNumbers& values, Network& network, size_t index) {
    Layer& layer = network.layers[index];
    if (values.single() && values.numbers[0] == 1) return "";
    if (index + 1 == network.layers.size())
        parameter.fail(layer, "is not 1, but its spikes are the network's outputs, which are counted as 1");
    if (layer.pool.kind == PoolKind::max && std::ranges::any_of(values.numbers, [](double value) { return value < 0; }))
        parameter.fail(layer, "is below 0 before a maximum, which cannot be expressed");
    if (values.shape.size() > 1)
        parameter.fail(layer, "differs between the neurons of a channel; expected one for each channel");
    if (layer.recurrence.kind != RecurrenceKind::none)
        parameter.fail(layer,
                       "is not 1, and the layer is recurrent: multiply its recurrent weights by it before saving");
    std::vector<double> each = values.numbers;
    each.resize(static_cast<size_t>(layer.out_channels), values.numbers[0]);
    std::string readers;
    for (Layer& reader : network.layers) {
        if (std::ranges::find(reader.inputs, static_cast<int>(index)) == reader.inputs.end()) continue;
        if (!reader.weighted())
            parameter.fail(layer, fmt::format("is not 1, and {}, which reads its spikes, has no weights to multiply",
                                              reader.name));
        fold_into_input(reader, each, std::vector<double>(each.size(), 0), parameter.where);
        readers += (readers.empty() ? "" : ", ") + reader.name + ".weight";
    }
    return "folded into " + readers;
}

/// The numbers as values of the field.
NeuronNumbers converted(const NeuronParameter& parameter, const Layer& layer, NeuronNumbers values) {
    const std::vector<NeuronReading> readings = parameter.readings();
    const std::string field(readings[0].field);
    if (readings.size() > 1)
        parameter.fail(layer,
                       fmt::format("is {}, which libraries read in two ways, {} and {}: say {} in the network text",
                                   NeuronParameter::text(values.numbers), readings[0].from, readings[1].from, field));
    for (double& value : values.numbers) {
        const double read = readings[0].convert(value);
        if (!std::isfinite(read))
            parameter.fail(layer, fmt::format("is {:g}, which gives no {} here: is it in seconds?", value, field));
        value = read;
    }
    return values;
}

/// The layer's values of a field, in the order of the table; made where there are none.
FloatArray& values_of(Layer& layer, std::string_view field, const Shape& shape) {
    const auto place = [](std::string_view name) {
        return std::ranges::find(neuron_fields(), name, &NeuronField::name) - neuron_fields().begin();
    };
    const auto next =
        std::ranges::find_if(layer.values, [&](const NeuronValue& one) { return place(one.field) >= place(field); });
    if (next != layer.values.end() && next->field == field) return next->values;
    (*layer.neuron).*number_member(field) = Neuron{}.*number_member(field);
    return layer.values.insert(next, {std::string(field), FloatArray(shape)})->values;
}

std::string take_numbers(const NeuronParameter& parameter, Layer& layer, std::string_view field,
                         const NeuronNumbers& values) {
    if (field == "v_reset") layer.neuron->reset = Reset::zero;
    if (values.single() && !varies(layer, field)) {
        (*layer.neuron).*number_member(field) = static_cast<float>(values.numbers[0]);
        return "";
    }
    FloatArray& all = values_of(layer, field, values.shape);
    if (values.shape.size() > all.shape.size())
        parameter.fail(
            layer, fmt::format("differs between the neurons of a channel, but the network text says {0}=*, one value "
                               "for each channel: say {0}=**",
                               word_of(field)));
    const size_t each = all.data.size() / values.numbers.size();
    for (size_t i = 0; i < all.data.size(); ++i) all.data[i] = static_cast<float>(values.numbers[i / each]);
    return all.shape.size() == 1 ? "one value for each channel" : "one value for each neuron";
}

std::string take_reset(const NeuronParameter& parameter, Layer& layer, const NeuronNumbers& values) {
    const double value = values.numbers[0];
    if (!values.single() || (value != 0 && value != 1 && value != 2))
        parameter.fail(layer, fmt::format("is {}, expected 0 (subtract), 1 (zero) or 2 (none)",
                                          NeuronParameter::text(values.numbers)));
    layer.neuron->reset = static_cast<Reset>(static_cast<int>(value));
    layer.neuron->v_reset = 0;  // snnTorch knows no other
    if (layer.neuron->reset == Reset::none) layer.neuron->delay = false;
    return "";
}

/// A readout without neuron takes a leak; of a neuron that is never reset, nothing else matters.
std::string take_readout(const NeuronParameter& parameter, Layer& layer, const NeuronNumbers& values) {
    const bool leak = parameter.field() == "beta";
    if (leak || parameter.field() == "alpha") {
        if (!values.single())
            parameter.fail(layer, fmt::format("differs between outputs ({}); a readout has one leak and one synapse",
                                              NeuronParameter::text(values.numbers)));
        (leak ? layer.readout_beta : layer.readout_alpha) =
            static_cast<float>(converted(parameter, layer, values).numbers[0]);
    }
    if (agrees(parameter, layer)) return "";
    parameter.fail(layer, "belongs to a neuron, but the network text gives this layer none");
}

}  // namespace

void NeuronParameter::fail(const Layer& layer, const std::string& what) const {
    throw InputError(
        fmt::format("{}: {}, a neuron's parameter for {}, {}", where, shown(tensor->from), layer.name, what));
}

std::string NeuronParameter::text(const std::vector<double>& values) {
    const auto [least, most] = std::ranges::minmax(values);
    return least == most ? text(least) : text(least) + " to " + text(most);
}

std::string NeuronParameter::text(double value) {
    const auto narrow = static_cast<float>(value);
    return narrow == value ? fmt::format("{}", narrow) : fmt::format("{:.8g}", value);
}

NeuronNumbers NeuronParameter::values(const Layer& layer) const {
    const Shape output = output_shape(layer);
    const auto refuse_shape = [&] {
        fail(layer, fmt::format("has the shape {}, but the layer's output has {}", shape_text(tensor->view.shape),
                                shape_text(output)));
    };
    const int64_t count = element_count(tensor->view.shape);
    const bool complex = tensor->view.type == TensorType::complex64 || tensor->view.type == TensorType::complex128;
    if (complex || count < 1 || count > element_count(output)) refuse_shape();
    std::vector<double> numbers = tensor_numbers(tensor->view);
    for (double& value : numbers) {
        if (leaf_of(tensor->name) == "min_v_mem") value = std::max(value, std::numeric_limits<double>::lowest());
        if (!std::isfinite(value)) fail(layer, "holds a value that is not finite");
    }
    if (count == 1) return {{}, std::move(numbers)};
    std::vector<double> all = spread(numbers, spread_shape(*this, layer, output), output);
    if (all.empty()) refuse_shape();
    return together(std::move(all), layer);
}

bool varies(const Layer& layer, std::string_view field) {
    return std::ranges::find(layer.values, field, &NeuronValue::field) != layer.values.end();
}

double field_of(const Layer& layer, std::string_view field) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    if (!layer.neuron && field == "alpha") return layer.readout_alpha;
    if (!layer.neuron) return field == "beta" ? layer.readout_beta : field == "reset" ? 2 : none;
    const Neuron& neuron = *layer.neuron;
    if (field == "reset") return static_cast<double>(neuron.reset);
    const bool says_nothing = field == kGradedSpikes || field == kNoField || varies(layer, field) ||
                              (field == "v_reset" && neuron.reset != Reset::zero);
    return says_nothing ? none : neuron.*number_member(field);
}

bool same_value(double file, double text, bool loose) {
    return static_cast<float>(file) == static_cast<float>(text) ||
           std::abs(file - text) <= (loose ? kComputedStep : kFloatStep) * std::max(std::abs(file), std::abs(text));
}

bool agrees(const NeuronParameter& parameter, const Layer& layer) {
    const std::string leaf = leaf_of(parameter.tensor->name);
    const std::vector<double> values = parameter.values(layer).numbers;
    const auto all = [&](const auto& condition) { return std::ranges::all_of(values, condition); };
    for (const NeuronReading& reading : parameter.readings()) {
        if (reading.field == kGradedSpikes && all([](double value) { return value == 1; })) return true;
        const bool unused_threshold = !layer.neuron && reading.field == "threshold";
        if (unused_threshold) return true;
        if (leaf == "v_leak" && all([](double value) { return value == 0; })) return true;
        if (leaf == "min_v_mem" && all([](double value) { return value <= std::numeric_limits<float>::lowest(); }))
            return true;
        const double text = field_of(layer, reading.field);
        if (all([&](double value) { return same_value(reading.convert(value), text, !reading.from.empty()); }))
            return true;
    }
    return false;
}

std::string take_over(const NeuronParameter& parameter, Network& network, size_t index) {
    Layer& layer = network.layers[index];
    const std::string_view field = parameter.field();
    const NeuronNumbers values = parameter.values(layer);
    if (field == kNoField) {
        if (agrees(parameter, layer)) return "says nothing: it has no effect";
        parameter.fail(layer,
                       fmt::format("is {}, which a neuron here cannot express", NeuronParameter::text(values.numbers)));
    }
    if (!layer.neuron) return take_readout(parameter, layer, values);
    if (field == kGradedSpikes) return take_graded(parameter, values, network, index);
    if (field == "reset") return take_reset(parameter, layer, values);
    return take_numbers(parameter, layer, field, converted(parameter, layer, values));
}

void refuse_contradiction(const NeuronParameter& parameter, const Layer& layer) {
    const std::vector<NeuronReading> readings = parameter.readings();
    const NeuronNumbers values = parameter.values(layer);
    const NeuronReading& reading = readings[0];
    const double text = field_of(layer, reading.field);
    if (!layer.neuron)
        parameter.fail(layer, "belongs to a neuron that fires, but the network text gives this layer a readout");
    if (reading.field == kNoField)
        parameter.fail(
            layer, fmt::format("is {}, which a neuron here cannot express: to import without it, the network text's "
                               "neurons must be asked for",
                               NeuronParameter::text(values.numbers)));
    std::string file =
        values.single() ? field_text(reading.field, values.numbers[0]) : NeuronParameter::text(values.numbers);
    for (const NeuronReading& one : readings)
        if (!one.from.empty() && values.single())
            file += fmt::format(", {} = {:.8g} by {}", one.field, one.convert(values.numbers[0]), one.from);
    const std::string says =
        std::isnan(text) ? "another reset" : fmt::format("{} = {}", reading.field, field_text(reading.field, text));
    const std::string change = values.single() ? "change the text"
                                               : fmt::format("say {}={} in the text", word_of(reading.field),
                                                             values.shape.size() == 1 ? "*" : "**");
    parameter.fail(layer,
                   fmt::format("is {}, but the network text says {}: {}, or choose whose neurons count, the file's or "
                               "the text's",
                               file, says, change));
}

}  // namespace spikelens

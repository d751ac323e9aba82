#include "description.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "snn/graph.h"

namespace spikelens {
namespace {

using nlohmann::json;

constexpr int64_t kChainFormat = 1, kGraphFormat = 2;  ///< who knows chains alone must not read a graph as one
constexpr int64_t kLargestExtent = 1 << 20;            // products of three stay far below 2⁶³
constexpr int64_t kLargestWindow = 255, kLargestPadding = 255 * 255;
constexpr int64_t kMostSteps = 65535;
constexpr std::string_view kInputName = "input";  ///< of the network, among a layer's inputs

template <class Enum, size_t n>
Enum read_word(const JsonField& field, const std::array<std::string_view, n>& words) {
    const std::string text = field.text();
    for (size_t i = 0; i < n; ++i)
        if (words[i] == text) return static_cast<Enum>(i);
    field.fail(fmt::format("must be one of {}", fmt::join(words, ", ")));
}

template <class Enum, size_t n>
std::string word(Enum value, const std::array<std::string_view, n>& words) {
    return std::string(words.at(static_cast<size_t>(value)));
}

/// A field of a neuron as a value of JSON, and back.
json value_of(const Neuron& neuron, float Neuron::*member) { return json_of_float(neuron.*member); }
json value_of(const Neuron& neuron, bool Neuron::*member) { return neuron.*member; }
json value_of(const Neuron& neuron, Reset Neuron::*member) { return word(neuron.*member, kResetWords); }
void read_value(const JsonField& field, float& value) { value = field.single(); }
void read_value(const JsonField& field, bool& value) { value = field.boolean(); }
void read_value(const JsonField& field, Reset& value) { value = read_word<Reset>(field, kResetWords); }

json describe_neuron(const Neuron& neuron) {
    json document;
    const Neuron usual;
    for (const NeuronField& field : neuron_fields())
        std::visit(
            [&](auto member) {
                if (!field.optional || neuron.*member != usual.*member)
                    document[std::string(field.name)] = value_of(neuron, member);
            },
            field.member);
    return document;
}

Neuron read_neuron(const JsonField& document) {
    Neuron neuron;
    for (const NeuronField& field : neuron_fields()) {
        const std::string name(field.name);
        if (field.optional && !document.has(name)) continue;
        std::visit([&](auto member) { read_value(document[name], neuron.*member); }, field.member);
    }
    return neuron;
}

/// One number, or of rows and of columns.
json sides(int rows, int columns) { return rows == columns ? json(rows) : json{rows, columns}; }

json describe_pool(const Pool& pool) {
    json document = {{"kind", word(pool.kind, kPoolWords)},
                     {"size", sides(pool.size, pool.columns())},
                     {"stride", sides(pool.stride, pool.stride_columns())}};
    if (pool.padding > 0 || pool.padding_columns() > 0)
        document["padding"] = sides(pool.padding, pool.padding_columns());
    if (pool.ceil) document["ceil"] = true;
    return document;
}

std::string name_of_input(const Network& network, int input) {
    return input == kNetworkInput ? std::string(kInputName) : network.layers[input].name;
}

/// What only graphs have.
void describe_graph(json& document, const Network& network, int index) {
    const Layer& layer = network.layers[index];
    if (layer.inputs != std::vector{index - 1})
        for (const int input : layer.inputs) document["inputs"].push_back(name_of_input(network, input));
    if (layer.dilation != 1 || layer.dilation_columns() != 1)
        document["dilation"] = sides(layer.dilation, layer.dilation_columns());
    if (layer.groups != 1) document["groups"] = layer.groups;
    if (layer.steps > 0) document["steps"] = layer.steps;
    const Recurrence& recurrence = layer.recurrence;
    if (recurrence.kind != RecurrenceKind::none)
        document["recurrence"] = {{"kind", word(recurrence.kind, kRecurrenceWords)}, {"kernel", recurrence.kernel}};
    for (const NeuronValue& value : layer.values)
        document["values"][value.field] = value.values.shape.size() == 1 ? "channel" : "neuron";
}

json describe_layer(const Network& network, int index) {
    const Layer& layer = network.layers[index];
    json document = {{"name", layer.name},
                     {"kind", word(layer.kind, kLayerWords)},
                     {"input", layer.input_shape()},
                     {"output", layer.output_shape()},
                     {"pooled", layer.pooled_shape()},
                     {"kernel", sides(layer.kernel, layer.kernel_columns())},
                     {"stride", sides(layer.stride, layer.stride_columns())},
                     {"padding", sides(layer.padding, layer.padding_columns())},
                     {"bias", layer.has_bias},
                     {"neuron", nullptr},
                     {"pool", describe_pool(layer.pool)}};
    if (layer.neuron) document["neuron"] = describe_neuron(*layer.neuron);
    if (layer.readout_beta != 1) document["readout_beta"] = json_of_float(layer.readout_beta);
    if (layer.readout_alpha != 0) document["readout_alpha"] = json_of_float(layer.readout_alpha);
    describe_graph(document, network, index);
    return document;
}

int read_int(const JsonField& field, int64_t smallest, int64_t largest) {
    return static_cast<int>(field.integer(smallest, largest));
}

std::array<int, 3> read_extents(const JsonField& field) {
    const std::vector<int64_t> extents = field.integers(1, kLargestExtent);
    if (extents.size() != 3) field.fail("must be [channels, height, width]");
    return {static_cast<int>(extents[0]), static_cast<int>(extents[1]), static_cast<int>(extents[2])};
}

/// One number, or of rows and of columns; `columns` becomes `same` where they are equal.
void read_sides(const JsonField& field, int64_t smallest, int64_t largest, int same, int& rows, int& columns) {
    columns = same;
    if (!field.value().is_array()) {
        rows = read_int(field, smallest, largest);
        return;
    }
    const std::vector<int64_t> both = field.integers(smallest, largest);
    if (both.size() != 2 || both[0] == both[1])
        field.fail("must be one number, or two that differ: of rows and of columns");
    rows = static_cast<int>(both[0]), columns = static_cast<int>(both[1]);
}

Pool read_pool(const JsonField& field) {
    Pool pool;
    pool.kind = read_word<PoolKind>(field["kind"], kPoolWords);
    read_sides(field["size"], 1, kLargestWindow, 0, pool.size, pool.width);
    read_sides(field["stride"], 1, kLargestWindow, 0, pool.stride, pool.stride_width);
    if (field.has("padding")) read_sides(field["padding"], 0, kLargestWindow, -1, pool.padding, pool.padding_width);
    if (field.has("ceil")) pool.ceil = field["ceil"].boolean();
    return pool;
}

std::vector<int> read_inputs(const JsonField& field, const Network& network) {
    std::vector<int> inputs;
    for (const std::string& name : field.texts()) {
        const auto found = std::ranges::find(network.layers, name, &Layer::name);
        if (found == network.layers.end() && name != kInputName)
            field.fail(fmt::format("must be names of layers before it, or {}, not '{}'", kInputName, name));
        inputs.push_back(name == kInputName ? kNetworkInput : static_cast<int>(found - network.layers.begin()));
    }
    return inputs;
}

NeuronValues read_values(const JsonField& field, const Layer& layer) {
    NeuronValues values;
    for (const NeuronField& known : neuron_fields()) {
        const std::string name(known.name);
        if (!known.holds || !field.has(name)) continue;
        const std::string of = field[name].text();
        if (of != "channel" && of != "neuron") field[name].fail("must be channel or neuron");
        values.push_back({name, {}});
        values.back().values.shape = of == "channel" ? Shape{layer.out_channels} : layer.output_shape();
    }
    if (values.size() != field.keys().size()) field.fail("must have names of a neuron's numbers alone");
    return values;
}

/// What only graphs have.
void read_graph(const JsonField& field, const Network& before, Layer& layer) {
    layer.inputs = field.has("inputs") ? read_inputs(field["inputs"], before)
                                       : std::vector{static_cast<int>(before.layers.size()) - 1};
    if (field.has("dilation"))
        read_sides(field["dilation"], 1, kLargestWindow, 0, layer.dilation, layer.dilation_width);
    if (layer.kind == LayerKind::norm || field.has("steps")) layer.steps = read_int(field["steps"], 1, kMostSteps);
    if (field.has("groups")) layer.groups = read_int(field["groups"], 1, kLargestExtent);
    if (field.has("recurrence")) {
        layer.recurrence.kind = read_word<RecurrenceKind>(field["recurrence"]["kind"], kRecurrenceWords);
        layer.recurrence.kernel = read_int(field["recurrence"]["kernel"], 1, kLargestWindow);
    }
    if (field.has("values")) layer.values = read_values(field["values"], layer);
}

Layer read_layer(const JsonField& field, const Network& before) {
    Layer layer;
    layer.name = field["name"].text();
    layer.kind = read_word<LayerKind>(field["kind"], kLayerWords);
    const std::array<int, 3> input = read_extents(field["input"]), output = read_extents(field["output"]);
    layer.in_channels = input[0], layer.in_height = input[1], layer.in_width = input[2];
    layer.out_channels = output[0], layer.out_height = output[1], layer.out_width = output[2];
    read_sides(field["kernel"], 1, kLargestWindow, 0, layer.kernel, layer.kernel_width);
    read_sides(field["stride"], 1, kLargestWindow, 0, layer.stride, layer.stride_width);
    read_sides(field["padding"], 0, kLargestPadding, -1, layer.padding, layer.padding_width);
    layer.has_bias = field["bias"].boolean();
    if (!field["neuron"].is_null()) layer.neuron = read_neuron(field["neuron"]);
    if (field.has("readout_beta")) layer.readout_beta = field["readout_beta"].single();
    if (field.has("readout_alpha")) layer.readout_alpha = field["readout_alpha"].single();
    layer.pool = read_pool(field["pool"]);
    const std::array<int, 3> pooled = read_extents(field["pooled"]);
    layer.pooled_height = pooled[1], layer.pooled_width = pooled[2];
    if (pooled[0] != layer.out_channels) field["pooled"].fail("must have the channels of output");
    read_graph(field, before, layer);
    return layer;
}

/// The sizes a layer states must be those that its windows and pool give.
void check_sizes(const Layer& layer, const JsonField& field) {
    Layer sized = layer;
    set_sizes(sized);
    const auto must_be = [&](const Shape& shape) { return fmt::format("must be {}, as ", shape_text(shape)); };
    if (layer.output_shape() != sized.output_shape())
        field["output"].fail(must_be(sized.output_shape()) + "kernel, stride and padding give");
    if (layer.pooled_shape() != sized.pooled_shape())
        field["pooled"].fail(must_be(sized.pooled_shape()) + "the pool gives");
}

/// Layers feed each other, have their names, and the last gives one number per class.
void check_graph(const Network& network, const std::vector<JsonField>& fields) {
    for (size_t i = 0; i < fields.size(); ++i) {
        const Layer& layer = network.layers[i];
        const std::string name = word(layer.kind, kLayerWords) + std::to_string(i + 1);
        if (layer.name != name) fields[i]["name"].fail("must be " + name);
        const JoinedInput input = joined_input(network, i);
        if (!input.fault.empty()) fields[i].fail(input.fault);
        if (input.shape != layer.input_shape())
            fields[i]["input"].fail(fmt::format("must be {}, which it receives", shape_text(input.shape)));
        check_sizes(layer, fields[i]);
    }
    const std::vector<Signal> sent = signals(network);
    for (const Layer& layer : network.layers)
        if (const int from = layer.inputs[0]; layer.weighted() && from != kNetworkInput && sent[from].currents)
            fields[from]["neuron"].fail(
                "may be null only in the last layer, and where no weighted layer reads the currents");
    if (network.layers.back().pool.kind != PoolKind::none) fields.back()["pool"].fail("must be none in the last layer");
    if (const Layer& last = network.layers.back(); last.pooled_height != 1 || last.pooled_width != 1)
        fields.back()["output"].fail("must be [classes, 1, 1] in the last layer");
}

}  // namespace

json describe_network(const Network& network) {
    json layers = json::array();
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) layers.push_back(describe_layer(network, l));
    return {{"format", is_chain(network) ? kChainFormat : kGraphFormat},
            {"network", network_text(network)},
            {"input", network.input_shape()},
            {"steps", network.steps},
            {"layers", std::move(layers)},
            {"classes", network.classes}};
}

Network read_description(const JsonField& document) {
    const int64_t format = document["format"].integer(kChainFormat, kGraphFormat);
    Network network;
    const std::array<int, 3> input = read_extents(document["input"]);
    network.channels = input[0], network.height = input[1], network.width = input[2];
    network.steps = read_int(document["steps"], 1, kMostSteps);
    const std::vector<JsonField> layers = document["layers"].items();
    if (layers.empty()) document["layers"].fail("must have at least one layer");
    if (layers.size() > kMostLayers) document["layers"].fail(fmt::format("must have at most {} layers", kMostLayers));
    for (const JsonField& layer : layers) network.layers.push_back(read_layer(layer, network));
    check_graph(network, layers);
    if ((format == kChainFormat) != is_chain(network))
        document["format"].fail(fmt::format("must be {} for a chain of layers, else {}", kChainFormat, kGraphFormat));
    network.classes = document["classes"].texts();
    if (const std::string text = network_text(network); document["network"].text() != text)
        document["network"].fail("must be " + text + ", the text of its layers");
    return network;
}

}  // namespace spikelens

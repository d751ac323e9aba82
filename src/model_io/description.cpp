#include "description.h"

#include <array>
#include <string_view>
#include <variant>

#include <fmt/format.h>

namespace spikelens {
namespace {

using nlohmann::json;

constexpr int64_t format_version = 1;
constexpr int64_t largest_extent = 1 << 20;  // products of three stay far below 2⁶³
constexpr int64_t largest_window = 255;
constexpr int64_t most_steps = 65535;

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
json value_of(const Neuron& neuron, Reset Neuron::*member) { return word(neuron.*member, reset_words); }
void read_value(const JsonField& field, float& value) { value = field.single(); }
void read_value(const JsonField& field, bool& value) { value = field.boolean(); }
void read_value(const JsonField& field, Reset& value) { value = read_word<Reset>(field, reset_words); }

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

json describe_layer(const Layer& layer) {
    json document = {{"name", layer.name},
                     {"kind", word(layer.kind, layer_words)},
                     {"input", {layer.in_channels, layer.in_height, layer.in_width}},
                     {"output", {layer.out_channels, layer.out_height, layer.out_width}},
                     {"pooled", {layer.out_channels, layer.pooled_height, layer.pooled_width}},
                     {"kernel", layer.kernel},
                     {"stride", layer.stride},
                     {"padding", layer.padding},
                     {"bias", layer.has_bias},
                     {"neuron", nullptr}};
    document["pool"] = {{"kind", word(layer.pool.kind, pool_words)}, {"size", layer.pool.size}, {"stride", layer.pool.stride}};
    if (layer.neuron) document["neuron"] = describe_neuron(*layer.neuron);
    if (layer.readout_beta != 1) document["readout_beta"] = json_of_float(layer.readout_beta);
    return document;
}

int read_int(const JsonField& field, int64_t smallest, int64_t largest) {
    return static_cast<int>(field.integer(smallest, largest));
}

std::array<int, 3> read_extents(const JsonField& field) {
    const std::vector<int64_t> extents = field.integers(1, largest_extent);
    if (extents.size() != 3) field.fail("must be [channels, height, width]");
    return {static_cast<int>(extents[0]), static_cast<int>(extents[1]), static_cast<int>(extents[2])};
}

Layer read_layer(const JsonField& field) {
    Layer layer;
    layer.name = field["name"].text();
    layer.kind = read_word<LayerKind>(field["kind"], layer_words);
    const std::array<int, 3> input = read_extents(field["input"]), output = read_extents(field["output"]);
    layer.in_channels = input[0], layer.in_height = input[1], layer.in_width = input[2];
    layer.out_channels = output[0], layer.out_height = output[1], layer.out_width = output[2];
    layer.kernel = read_int(field["kernel"], 1, largest_window);
    layer.stride = read_int(field["stride"], 1, largest_window);
    layer.padding = read_int(field["padding"], 0, largest_window);
    layer.has_bias = field["bias"].boolean();
    if (!field["neuron"].is_null()) layer.neuron = read_neuron(field["neuron"]);
    if (field.has("readout_beta")) layer.readout_beta = field["readout_beta"].single();
    layer.pool.kind = read_word<PoolKind>(field["pool"]["kind"], pool_words);
    layer.pool.size = read_int(field["pool"]["size"], 1, largest_window);
    layer.pool.stride = read_int(field["pool"]["stride"], 1, largest_window);
    const std::array<int, 3> pooled = read_extents(field["pooled"]);
    layer.pooled_height = pooled[1], layer.pooled_width = pooled[2];
    if (pooled[0] != layer.out_channels) field["pooled"].fail("must have the channels of output");
    return layer;
}

/// How many windows fit; 0 for none.
int windows(int extent, int size, int stride) { return extent < size ? 0 : (extent - size) / stride + 1; }

/// The sizes a layer states must be those that its kernel, stride, padding and pool give.
void check_sizes(const Layer& layer, const JsonField& field) {
    const bool conv = layer.kind == LayerKind::conv;
    const int height = conv ? windows(layer.in_height + 2 * layer.padding, layer.kernel, layer.stride) : 1;
    const int width = conv ? windows(layer.in_width + 2 * layer.padding, layer.kernel, layer.stride) : 1;
    if (layer.out_height != height || layer.out_width != width)
        field["output"].fail(
            fmt::format("must be [{}, {}, {}], as kernel, stride and padding give", layer.out_channels, height, width));
    const bool pooling = layer.pool.kind != PoolKind::none;
    const int pooled_height = pooling ? windows(height, layer.pool.size, layer.pool.stride) : height;
    const int pooled_width = pooling ? windows(width, layer.pool.size, layer.pool.stride) : width;
    if (layer.pooled_height != pooled_height || layer.pooled_width != pooled_width)
        field["pooled"].fail(
            fmt::format("must be [{}, {}, {}], as the pool gives", layer.out_channels, pooled_height, pooled_width));
    if (pooling && !layer.neuron) field["pool"].fail("must be none: there are no spikes to pool without a neuron");
}

/// Layers feed each other, have their names, and the last gives one number per class.
void check_chain(const Network& network, const std::vector<JsonField>& fields) {
    std::array<int, 3> next = {network.channels, network.height, network.width};
    for (size_t i = 0; i < fields.size(); ++i) {
        const Layer& layer = network.layers[i];
        const std::string name = word(layer.kind, layer_words) + std::to_string(i + 1);
        if (layer.name != name) fields[i]["name"].fail("must be " + name);
        if (next != std::array{layer.in_channels, layer.in_height, layer.in_width})
            fields[i]["input"].fail(fmt::format("must be [{}], which it receives", fmt::join(next, ", ")));
        check_sizes(layer, fields[i]);
        if (!layer.neuron && i + 1 < fields.size()) fields[i]["neuron"].fail("may be null only in the last layer");
        next = {layer.out_channels, layer.pooled_height, layer.pooled_width};
    }
    if (network.layers.back().pool.kind != PoolKind::none) fields.back()["pool"].fail("must be none in the last layer");
    if (next[1] != 1 || next[2] != 1) fields.back()["output"].fail("must be [classes, 1, 1] in the last layer");
}

}  // namespace

Shape weight_shape(const Layer& layer) {
    if (layer.kind == LayerKind::full) return {layer.out_channels, layer.fan_in()};
    return {layer.out_channels, layer.in_channels, layer.kernel, layer.kernel};
}

Shape bias_shape(const Layer& layer) { return layer.has_bias ? Shape{layer.out_channels} : Shape{}; }

json describe_network(const Network& network) {
    json layers = json::array();
    for (const Layer& layer : network.layers) layers.push_back(describe_layer(layer));
    return {{"format", format_version}, {"network", network_text(network)}, {"input", network.input_shape()},
            {"steps", network.steps},   {"layers", std::move(layers)},      {"classes", network.classes}};
}

Network read_description(const JsonField& document) {
    document["format"].integer(format_version, format_version);
    Network network;
    const std::array<int, 3> input = read_extents(document["input"]);
    network.channels = input[0], network.height = input[1], network.width = input[2];
    network.steps = read_int(document["steps"], 1, most_steps);
    const std::vector<JsonField> layers = document["layers"].items();
    if (layers.empty()) document["layers"].fail("must have at least one layer");
    for (const JsonField& layer : layers) network.layers.push_back(read_layer(layer));
    check_chain(network, layers);
    network.classes = document["classes"].texts();
    if (const std::string text = network_text(network); document["network"].text() != text)
        document["network"].fail("must be " + text + ", the text of its layers");
    return network;
}

}  // namespace spikelens

#include "network_builder.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "spikelens/core/nearest.h"
#include "spikelens/core/number.h"

#include "graph.h"

namespace spikelens {
namespace {

/// What a network text may ask for at most: a hostile file must not ask for terabytes.
constexpr int kLargestExtent = 1 << 17;
constexpr double kMostWeights = 2147483648.0;

float parse_float(const Stage& stage, const std::string& key, std::string_view text) {
    const auto value = number_in<float>(text);
    if (!value || !std::isfinite(*value))
        stage.fail("'" + key + "' must be a finite float32, not '" + std::string(text) + "'");
    return *value;
}

void set_input(Layer& layer, const Shape& shape) {
    layer.in_channels = static_cast<int>(shape[0]);
    layer.in_height = static_cast<int>(shape[1]);
    layer.in_width = static_cast<int>(shape[2]);
}

/// Whether the option says that the file has values, "beta=*": keeps that.
bool take_varying(std::string_view option, ParsedNeuron& parsed) {
    const size_t equals = option.find('=');
    const std::string_view value = equals == std::string_view::npos ? "" : option.substr(equals + 1);
    const auto field = std::ranges::find(neuron_fields(), option.substr(0, equals), &NeuronField::word);
    if ((value != "*" && value != "**") || field == neuron_fields().end() || !field->holds) return false;
    parsed.varying.emplace_back(field->name, value == "**");
    parsed.neuron.*std::get<float Neuron::*>(field->member) = Neuron{}.*std::get<float Neuron::*>(field->member);
    return true;
}

ParsedNeuron parse_neuron(const Stage& stage, Cursor cursor, const Neuron& usual) {
    ParsedNeuron parsed{usual, {}};
    if (cursor.done()) return parsed;
    std::string_view options = cursor.rest();
    if (!options.starts_with('(') || !options.ends_with(')'))
        stage.fail("a neuron's options stand in parentheses, LIF(beta=0.9)");
    options = options.substr(1, options.size() - 2);
    std::vector<std::string_view> names;
    while (!options.empty()) {
        const size_t comma = options.find(',');
        const std::string_view option = options.substr(0, comma), name = option.substr(0, option.find('='));
        if (std::ranges::find(names, name) != names.end()) stage.fail(std::string(name) + " is given twice");
        names.push_back(name);
        if (!take_varying(option, parsed))
            if (const auto wrong = set_neuron_option(parsed.neuron, option)) stage.fail(*wrong);
        options = comma == std::string_view::npos ? std::string_view{} : options.substr(comma + 1);
    }
    return parsed;
}

/// Values of these fields for every channel or neuron of a layer, all as the neuron has them, in the order of the
/// table.
NeuronValues values_of(const ParsedNeuron& parsed, const Layer& layer) {
    NeuronValues values;
    for (const NeuronField& field : neuron_fields())
        for (const auto& [name, each] : parsed.varying)
            if (name == field.name && (values.empty() || values.back().field != name))
                values.push_back({name, FloatArray(each ? layer.output_shape() : Shape{layer.out_channels},
                                                   parsed.neuron.*std::get<float Neuron::*>(field.member))});
    return values;
}

}  // namespace

NetworkBuilder::NetworkBuilder(const Shape& input, int steps, const NetworkDefaults& defaults) : defaults_(defaults) {
    if (input.size() != 3) throw InputError("a network's input has three extents [C, H, W], not " + shape_text(input));
    for (int64_t extent : input)
        if (extent < 1 || extent > kLargestExtent)
            throw InputError("a network's input extents must be 1 to 131072, not " + shape_text(input));
    if (steps < 1 || steps > 65535)
        throw InputError("a network runs for 1 to 65535 steps, not " + std::to_string(steps));
    network_.channels = static_cast<int>(input[0]);
    network_.height = static_cast<int>(input[1]);
    network_.width = static_cast<int>(input[2]);
    network_.steps = steps;
}

void NetworkBuilder::go_to(int layer) {
    point_ = layer;
    open_ = false;
}

void NetworkBuilder::add(const Stage& stage) {
    Cursor cursor(stage);
    if (network_.layers.size() >= kMostLayers)
        stage.fail("a network has at most " + std::to_string(kMostLayers) + " layers");
    if (leaky_readout_) stage.fail("nothing follows a readout");
    if (cursor.take("@")) return go_to(named(stage, cursor.rest()));
    if (cursor.take("LIF")) return add_neuron(stage, parse_neuron(stage, cursor, defaults_.neuron));
    if (cursor.take("IF")) {
        Neuron neuron = defaults_.neuron;
        neuron.beta = 1.0F;
        const ParsedNeuron parsed = parse_neuron(stage, cursor, neuron);
        const bool leaks = std::ranges::any_of(parsed.varying, [](const auto& one) { return one.first == "beta"; });
        if (leaks || parsed.neuron.beta != 1)
            stage.fail("IF has no leak, beta = 1; a neuron with another is LIF(beta=0.9)");
        return add_neuron(stage, parsed);
    }
    if (cursor.take("LI")) return add_leak(stage, cursor);
    if (cursor.take("BN")) return add_norm(stage, cursor);
    if (cursor.take("R")) return add_recurrence(stage, cursor);
    for (size_t kind = 1; kind < kPoolStages.size(); ++kind) {
        if (cursor.take(kPoolStages[kind])) return add_pool(stage, cursor, static_cast<PoolKind>(kind));
        if (cursor.take("G" + std::string(kPoolStages[kind]))) return add_whole_pool(stage, cursor, PoolKind(kind));
    }
    if (cursor.done() || cursor.rest()[0] < '0' || cursor.rest()[0] > '9')
        stage.fail("expected 16C3 (convolution), 128F (fully connected), BN4, LIF, IF, MP2, AP2 or SP2");
    const int outputs = cursor.number("the number of outputs", 1, kLargestExtent);
    if (cursor.take("C")) return add_conv(stage, cursor, outputs);
    if (cursor.take("F")) return add_full(stage, cursor, outputs);
    stage.fail("after the number of outputs comes C (convolution) or F (fully connected)");
}

/// Brings the ends of branches together.
void NetworkBuilder::join(const Stage& stage, const std::vector<int>& ends) {
    if (leaky_readout_) stage.fail("nothing follows a readout");
    const auto word = std::find(kLayerWords.begin() + static_cast<int>(LayerKind::add),
                                kLayerWords.begin() + static_cast<int>(LayerKind::pass), stage.text);
    if (word == kLayerWords.begin() + static_cast<int>(LayerKind::pass))
        stage.fail("branches meet in ]add, ]and, ]iand or ]cat");
    Layer& layer = new_layer(static_cast<LayerKind>(word - kLayerWords.begin()), ends);
    finish_layer(stage, layer);
    open_ = true;
}

Network NetworkBuilder::finish() {
    if (network_.layers.empty())
        throw InputError("network text is empty; expected for example 16C3-LIF-MP2-128F-LIF-10F");
    if (!leaky_readout_ && network_.layers.back().pool.kind != PoolKind::none &&
        network_.layers.back().pooled_height == 1 && network_.layers.back().pooled_width == 1)
        add_readout();
    const Layer& last = network_.layers.back();
    if (last.out_height != 1 || last.out_width != 1 || last.pool.kind != PoolKind::none)
        throw InputError("network text must end in one number per class, for example -10F; its last layer gives " +
                         shape_text(last.pooled_shape()));
    return std::move(network_);
}

int NetworkBuilder::named(const Stage& stage, std::string_view name) const {
    if (name == "input") return kNetworkInput;
    const auto found = std::ranges::find(network_.layers, name, &Layer::name);
    std::vector<std::string> known;
    for (const Layer& layer : network_.layers) known.push_back(layer.name);
    if (found == network_.layers.end())
        stage.fail("there is no layer '" + std::string(name) + "' before it" + suggestion(name, known));
    return static_cast<int>(found - network_.layers.begin());
}

/// The layer that the stage before made; null where what follows is another layer.
Layer* NetworkBuilder::open_layer() { return open_ ? &network_.layers[point_] : nullptr; }

/// A layer that only fires or pools what stands before.
Layer& NetworkBuilder::pass(const Stage& stage, const std::string& what) {
    if (point_ == kNetworkInput) stage.fail(what + " needs a weighted layer before it");
    Layer& layer = new_layer(LayerKind::pass, {point_});
    finish_layer(stage, layer);
    open_ = true;
    return layer;
}

void NetworkBuilder::add_neuron(const Stage& stage, const ParsedNeuron& parsed) {
    Layer* layer = open_layer();
    if (layer && layer->neuron && layer->pool.kind == PoolKind::none)
        stage.fail("a neuron follows its layer directly, once");
    if (!layer || layer->pool.kind != PoolKind::none) layer = &pass(stage, "a neuron");
    layer->neuron = parsed.neuron;
    layer->values = values_of(parsed, *layer);
}

void NetworkBuilder::add_recurrence(const Stage& stage, Cursor cursor) {
    Layer* const layer = open_layer();
    if (!layer || !layer->weighted() || layer->neuron || layer->pool.kind != PoolKind::none ||
        layer->recurrence.kind != RecurrenceKind::none)
        stage.fail("recurrence stands between a weighted layer and its neuron, once");
    Recurrence& recurrence = layer->recurrence;
    recurrence.kind = cursor.take("1")   ? RecurrenceKind::one
                      : cursor.take("C") ? RecurrenceKind::conv
                                         : RecurrenceKind::all;
    if (recurrence.kind == RecurrenceKind::conv) recurrence.kernel = cursor.number("the kernel's size", 1, 255);
    if (!cursor.done()) stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected R, R1 or RC3");
    const Shape shape = layer->recurrent_shape();
    count_weights(stage,
                  static_cast<double>(shape[0]) * static_cast<double>(element_count(std::span(shape).subspan(1))));
    recurrence.weight = FloatArray(shape);
}

void NetworkBuilder::add_norm(const Stage& stage, Cursor cursor) {
    const int steps = cursor.number("the number of steps", 1, 65535);
    if (!cursor.done()) stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected for example BN4");
    if (point_ == kNetworkInput) stage.fail("a batch normalisation needs a layer before it");
    Layer& layer = new_layer(LayerKind::norm, {point_});
    finish_layer(stage, layer);
    layer.steps = steps;
    layer.has_bias = true;
    count_weights(stage, 2.0 * steps * layer.out_channels);
    layer.weight = FloatArray(layer.weight_shape(), 1.0F);
    layer.bias = FloatArray(layer.bias_shape());
    open_ = true;
}

void NetworkBuilder::add_leak(const Stage& stage, const Cursor& cursor) {
    if (!open_ || network_.layers[point_].neuron)
        stage.fail("a leaky readout follows the last weighted layer, which has no neuron");
    const char* const expected = "expected LI(beta=0.9) or LI(beta=0.9,alpha=0.8)";
    std::string_view options = cursor.rest();
    if (!options.starts_with('(') || !options.ends_with(')')) stage.fail(expected);
    options = options.substr(1, options.size() - 2);
    if (network_.layers[point_].pool.kind != PoolKind::none) add_readout();
    Layer& readout = network_.layers[point_];
    std::optional<float> beta, alpha;
    while (!options.empty()) {
        const std::string_view option = options.substr(0, options.find(','));
        options.remove_prefix(std::min(options.size(), option.size() + 1));
        const bool leak = option.starts_with("beta=");
        std::optional<float>& value = leak ? beta : alpha;
        if (value || (!leak && !option.starts_with("alpha="))) stage.fail(expected);
        value = parse_float(stage, leak ? "beta" : "alpha", option.substr(option.find('=') + 1));
    }
    if (!beta) stage.fail(expected);
    readout.readout_beta = *beta, readout.readout_alpha = alpha.value_or(0);
    leaky_readout_ = true;
}

void NetworkBuilder::add_readout() {
    const Shape input = network_.layers.back().pooled_shape();
    Layer& layer = new_layer(LayerKind::pass, {static_cast<int>(network_.layers.size()) - 1});
    set_input(layer, input);
    set_sizes(layer);
}

void NetworkBuilder::add_pool(const Stage& stage, Cursor cursor, PoolKind kind) {
    if (cursor.take("=")) return add_pool_to(stage, cursor, kind);
    const Sides size = take_sides(cursor, "the pool's size", 1, 255);
    const Sides stride = cursor.take("s") ? take_sides(cursor, "the stride", 1, 255) : size;
    const Sides padding = cursor.take("p") ? take_sides(cursor, "the padding", 0, 127) : Sides{0, 0};
    const bool ceil = cursor.take("c");
    if (!cursor.done())
        stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected MP2, MP3s2, MP3s2p1 or MP3s2c");
    if (2 * padding.rows > size.rows || 2 * padding.columns > size.columns)
        stage.fail("the padding must be at most half the pool's size");
    if (ceil && kind == PoolKind::average)
        stage.fail("windows beyond the map ('c') are of maxima and sums; averages would differ in their size");
    set_pool(stage,
             {kind, size.rows, stride.rows, size.differ() ? size.columns : 0, stride.differ() ? stride.columns : 0,
              padding.rows, padding.differ() ? padding.columns : -1, ceil});
}

namespace {

/// The windows that make so many of a side, as PyTorch's adaptive pools cut it, where they are all alike.
std::optional<Sides> equal_windows(int extent, int outputs) {
    const auto first = [&](int i) { return i * extent / outputs; };
    const auto size = [&](int i) { return ((i + 1) * extent + outputs - 1) / outputs - first(i); };
    const int stride = outputs > 1 ? first(1) : extent;
    for (int i = 0; i < outputs; ++i)
        if (size(i) != size(0) || first(i) != i * stride) return std::nullopt;
    return stride > 0 ? std::optional(Sides{size(0), stride}) : std::nullopt;
}

}  // namespace

/// "AP=7": to so many rows and columns.
void NetworkBuilder::add_pool_to(const Stage& stage, Cursor cursor, PoolKind kind) {
    const Sides wanted = take_sides(cursor, "the pool's output", 1, 255);
    if (!cursor.done()) stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected AP=7");
    if (point_ == kNetworkInput) stage.fail("pooling needs a weighted layer before it");
    const Layer& before = network_.layers[point_];
    const auto rows = equal_windows(before.pooled_height, wanted.rows);
    const auto columns = equal_windows(before.pooled_width, wanted.columns);
    if (!rows || !columns)
        stage.fail("windows that make " + std::to_string(wanted.rows) + "×" + std::to_string(wanted.columns) + " of " +
                   shape_text(before.pooled_shape()) + " differ in size or stride; expected equal windows");
    if (std::max(rows->rows, columns->rows) > 255) stage.fail("a pool's window has at most 255 rows and columns");
    set_pool(stage, {kind, rows->rows, rows->columns, rows->rows == columns->rows ? 0 : columns->rows,
                     rows->columns == columns->columns ? 0 : columns->columns});
}

void NetworkBuilder::add_whole_pool(const Stage& stage, const Cursor& cursor, PoolKind kind) {
    if (!cursor.done())
        stage.fail("'" + std::string(cursor.rest()) + "' is not understood; the pool is of the whole map");
    if (point_ == kNetworkInput) stage.fail("pooling needs a weighted layer before it");
    const Layer& before = network_.layers[point_];
    const int rows = before.pooled_height, columns = before.pooled_width;
    if (std::max(rows, columns) > 255) stage.fail("a pool's window has at most 255 rows and columns");
    set_pool(stage, {kind, rows, rows, rows != columns ? columns : 0, rows != columns ? columns : 0});
}

void NetworkBuilder::set_pool(const Stage& stage, const Pool& pool) {
    Layer* layer = open_layer();
    if (!layer || layer->pool.kind != PoolKind::none) layer = &pass(stage, "pooling");
    layer->pool = pool;
    finish_layer(stage, *layer);
}

Layer& NetworkBuilder::new_layer(LayerKind kind, const std::vector<int>& inputs) {
    Layer& layer = network_.layers.emplace_back();
    layer.name = std::string(kLayerWords[static_cast<size_t>(kind)]) + std::to_string(network_.layers.size());
    layer.kind = kind;
    layer.inputs = inputs;
    layer.has_bias = layer.weighted() && defaults_.bias;
    point_ = static_cast<int>(network_.layers.size()) - 1;
    return layer;
}

/// Of what its inputs and windows say.
void NetworkBuilder::finish_layer(const Stage& stage, Layer& layer) const {
    const size_t index = &layer - network_.layers.data();
    const JoinedInput input = joined_input(network_, index);
    if (!input.fault.empty()) stage.fail(input.fault);
    std::vector<Signal> sent;
    for (size_t l = 0; l < index; ++l) sent.push_back(signal_after(network_.layers[l], sent));
    if (const std::string fault = signal_fault(network_, index, sent); !fault.empty()) stage.fail(fault);
    set_input(layer, input.shape);
    if (layer.weighted() && (layer.in_channels % layer.groups != 0 || layer.out_channels % layer.groups != 0))
        stage.fail("groups must divide the channels of the input, " + std::to_string(layer.in_channels) +
                   ", and those of the output");
    const bool pools = layer.pool.kind != PoolKind::none;
    if (!set_sizes(layer))
        stage.fail((pools ? "the window does not fit into " : "the kernel does not fit into ") +
                   shape_text(pools ? layer.output_shape() : layer.input_shape()));
}

void NetworkBuilder::count_weights(const Stage& stage, double more) {
    weights_ += more;
    if (weights_ > kMostWeights) stage.fail("the network would have more than 2^31 weights");
}

void NetworkBuilder::add_weighted(const Stage& stage, Layer& layer) {
    finish_layer(stage, layer);
    count_weights(stage, static_cast<double>(layer.out_channels) * static_cast<double>(layer.fan_in()));
    layer.weight = FloatArray(layer.weight_shape());
    if (layer.has_bias) layer.bias = FloatArray({layer.out_channels});
    open_ = true;
}

void NetworkBuilder::add_conv(const Stage& stage, Cursor cursor, int outputs) {
    Layer& layer = new_layer(LayerKind::conv, {point_});
    layer.out_channels = outputs;
    const Sides kernel = take_sides(cursor, "the kernel's size", 1, 255);
    std::optional<Sides> padding;
    Sides stride{1, 1}, dilation{1, 1};
    while (!cursor.done()) {
        if (cursor.take("p"))
            padding = take_sides(cursor, "the padding", 0, 255 * 255);
        else if (cursor.take("s"))
            stride = take_sides(cursor, "the stride", 1, 255);
        else if (cursor.take("d"))
            dilation = take_sides(cursor, "the dilation", 1, 255);
        else if (cursor.take("g"))
            layer.groups = cursor.number("the number of groups", 1, kLargestExtent);
        else if (cursor.take("b"))
            layer.has_bias = cursor.number("b", 0, 1) == 1;
        else
            stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected for example 16C3p1s2b0");
    }
    const Sides most{(kernel.rows - 1) * dilation.rows, (kernel.columns - 1) * dilation.columns};
    if (!padding) padding = Sides{most.rows / 2, most.columns / 2};
    if (padding->rows > most.rows || padding->columns > most.columns)
        stage.fail("the padding must be a whole number from 0 to " + std::to_string(std::min(most.rows, most.columns)));
    layer.kernel = kernel.rows, layer.kernel_width = kernel.differ() ? kernel.columns : 0;
    layer.stride = stride.rows, layer.stride_width = stride.differ() ? stride.columns : 0;
    layer.padding = padding->rows, layer.padding_width = padding->differ() ? padding->columns : -1;
    layer.dilation = dilation.rows, layer.dilation_width = dilation.differ() ? dilation.columns : 0;
    add_weighted(stage, layer);
}

void NetworkBuilder::add_full(const Stage& stage, Cursor cursor, int outputs) {
    Layer& layer = new_layer(LayerKind::full, {point_});
    layer.out_channels = outputs;
    if (cursor.take("b")) layer.has_bias = cursor.number("b", 0, 1) == 1;
    if (!cursor.done())
        stage.fail("'" + std::string(cursor.rest()) + "' is not understood; expected for example 128F or 128Fb0");
    add_weighted(stage, layer);
}

}  // namespace spikelens

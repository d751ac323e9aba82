#include "nir_weight_node.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/counted.h"

namespace spikelens {
namespace {

constexpr int kLargestExtent = 1 << 24;

std::string rounding_note(const NirValue& value) {
    const bool exact = std::ranges::all_of(value.numbers, [](double x) { return double{static_cast<float>(x)} == x; });
    return exact ? "" : "rounded to float32";
}

void read_bias(const NirNodeReader& reader, const NirRules& rules, NirLayer& result) {
    const NirValue& value = reader.numbers("bias");
    if (value.shape != Shape{result.layer.out_channels})
        reader.fail(fmt::format("has a bias of shape {} for {}", shape_text(value.shape),
                                counted(result.layer.out_channels, "output")));
    const bool zero = std::ranges::all_of(value.numbers, [](double number) { return number == 0; });
    const bool left_out = zero && rules.without_bias.contains(reader.node().name);
    result.tensors.push_back({reader.node().name + "/bias", left_out ? "" : "bias", value.shape,
                              left_out ? "zero: the layer has none" : rounding_note(value)});
    if (!left_out) result.bias = value.numbers;
}

NirLayer read_tensors(const NirNodeReader& reader, const NirRules& rules, LayerKind kind, bool bias) {
    const NirValue& weight = reader.numbers("weight");
    if (weight.shape[0] < 1 || weight.shape[0] > kLargestExtent)
        reader.fail("has a weight of shape " + shape_text(weight.shape));
    NirLayer result;
    result.layer.kind = kind;
    result.layer.out_channels = static_cast<int>(weight.shape[0]);
    result.node = reader.node().name;
    result.weight = weight.numbers;
    result.tensors = {{reader.node().name + "/weight", "weight", weight.shape, rounding_note(weight)}};
    if (bias) read_bias(reader, rules, result);
    return result;
}

void set_input(Layer& layer, const NirShape& signal) {
    layer.in_channels = signal.channels;
    layer.in_height = signal.height;
    layer.in_width = signal.width;
}

/// Of the rows of a node with one axis there is one, whatever its parameters are.
NirSides sides(const NirNodeReader& reader, const std::string& name, int smallest, int largest, int of_one_row) {
    NirSides both = reader.sides(name, smallest, largest);
    if (reader.node().type == "Conv1d") both.rows = of_one_row;
    return both;
}

void check_conv_shape(const NirNodeReader& reader, const Shape& weight, const NirShape& signal) {
    const size_t axes = reader.node().type == "Conv1d" ? 3 : 4;
    if (weight.size() != axes)
        reader.fail(fmt::format("has a weight of shape {}, expected {} axes", shape_text(weight),
                                axes == 3 ? "three" : "four"));
    if (signal.axes.size() == 1)
        reader.fail(fmt::format("reads a flat signal {}, expected a map", shape_text(signal.axes)));
    if (signal.axes.size() + 1 != axes)
        reader.fail(fmt::format("reads {}, expected {}", shape_text(signal.axes), axes == 3 ? "[C, L]" : "[C, H, W]"));
    for (size_t axis = 2; axis < axes; ++axis)
        if (weight[axis] < 1 || weight[axis] > kLargestNirKernel)
            reader.fail(fmt::format("has kernels of {}, expected 1 to {}", weight[axis], kLargestNirKernel));
}

void read_groups(const NirNodeReader& reader, const Shape& weight, Layer& layer) {
    const double groups = reader.node().has("groups") ? reader.number("groups") : 1;
    if (!(groups >= 1) || groups > layer.out_channels || layer.out_channels % static_cast<int>(groups) != 0 ||
        groups != static_cast<int>(groups))
        reader.fail(
            fmt::format("has {} groups, expected a divisor of its {}", groups, counted(layer.out_channels, "output")));
    layer.groups = static_cast<int>(groups);
    if (weight[1] > kLargestExtent || weight[1] * layer.groups != layer.in_channels)
        reader.fail(fmt::format("has weights for {}, but reads {}", counted(weight[1] * layer.groups, "channel"),
                                shape_text(Shape{layer.in_channels, layer.in_height, layer.in_width})));
}

void check_input_shape(const NirNodeReader& reader, const Layer& layer) {
    const auto shape = reader.node().values.find("input_shape");
    if (shape == reader.node().values.end() || shape->second.numbers.empty()) return;
    const std::vector<double>& given = reader.numbers("input_shape").numbers;
    const bool one_row = reader.node().type == "Conv1d";
    const double rows = one_row ? 1 : given.front();
    if (rows != layer.in_height || given.back() != layer.in_width)
        reader.fail(fmt::format("expects an input of {:g} by {:g}, but reads {}", rows, given.back(),
                                shape_text(layer.input_shape())));
}

void read_padding(const NirNodeReader& reader, Layer& layer) {
    const NirSides most{(layer.kernel - 1) * layer.dilation, (layer.kernel_columns() - 1) * layer.dilation_columns()};
    NirSides padding{0, 0};
    const auto value = reader.node().values.find("padding");
    if (value == reader.node().values.end() || value->second.type != NirType::text) {
        padding = sides(reader, "padding", 0, std::max(most.rows, most.columns), 0);
        if (padding.rows > most.rows || padding.columns > most.columns)
            reader.fail(fmt::format("has a padding of {} by {}, expected at most {} by {}", padding.rows,
                                    padding.columns, most.rows, most.columns));
    } else {
        const std::string text = value->second.texts.empty() ? "" : value->second.texts[0];
        if (text != "same" && text != "valid")
            reader.fail(fmt::format("has the padding '{}', expected numbers, same or valid", text));
        const bool even = most.rows % 2 == 0 && most.columns % 2 == 0;
        if (text == "same" && (layer.stride != 1 || layer.stride_columns() != 1 || !even))
            reader.fail("has the padding 'same' with a stride, or a kernel that has no middle");
        if (text == "same") padding = {most.rows / 2, most.columns / 2};
    }
    set_sides(layer.padding, layer.padding_width, -1, padding.rows, padding.columns);
}

// ---- recurrence
// ------------------------------------------------------------------------------------------------------------

/// Whether only the diagonal of a square matrix is not zero.
bool is_diagonal(const std::vector<double>& weight, int64_t size) {
    for (int64_t i = 0; i < static_cast<int64_t>(weight.size()); ++i)
        if (weight[i] != 0 && i % (size + 1) != 0) return false;
    return true;
}

/// One number for each channel of what acts on every neuron.
std::vector<double> by_channel(const NirNodeReader& reader, const NirSpread& values, const Layer& layer,
                               const std::string& what) {
    const auto found = channel_values(values, layer.out_channels, element_count(layer.output_shape()));
    if (!found)
        reader.fail(fmt::format("has a {} that differs inside a channel; a layer has one for each channel", what));
    return *found;
}

void recur_densely(NirLayer& to, const NirNodeReader& reader, const NirRules& rules, const Shape& axes) {
    Layer& layer = to.layer;
    const int64_t neurons = element_count(layer.output_shape());
    const NirValue& weight = reader.numbers("weight");
    if (axes.size() > 1 && neurons != layer.out_channels)
        reader.fail(fmt::format("reads a map {}; expected a Flatten before its neuron, or a Conv2d", shape_text(axes)));
    if (weight.shape != Shape{neurons, neurons})
        reader.fail(fmt::format("has a weight of shape {} in the recurrence of {}", shape_text(weight.shape),
                                counted(neurons, "neuron")));
    layer.recurrence.kind = RecurrenceKind::all;
    to.recurrent = weight.numbers;
    if (rules.own || neurons != layer.out_channels || !is_diagonal(weight.numbers, neurons)) return;
    layer.recurrence.kind = RecurrenceKind::one;
    for (int64_t i = 0; i < neurons; ++i) to.recurrent[i] = weight.numbers[i * (neurons + 1)];
    to.recurrent.resize(neurons);
}

void recur_by_convolution(NirLayer& to, const NirNodeReader& reader, const NirRules& rules, const Shape& axes) {
    const Layer& layer = to.layer;
    NirShape signal{axes, layer.out_channels, layer.out_height, layer.out_width};
    NirLayer read = read_conv(reader, rules, signal);
    const Layer& conv = read.layer;
    const bool fits = layer.kind == LayerKind::conv && conv.out_channels == layer.out_channels && conv.groups == 1 &&
                      conv.kernel_width == 0 && conv.stride == 1 && conv.stride_width == 0 && conv.dilation == 1 &&
                      conv.dilation_width == 0 && conv.padding * 2 == conv.kernel - 1 && conv.padding_width == -1;
    if (!fits)
        reader.fail(
            "is no recurrence that a layer has: expected a square kernel of an odd size that keeps the map's size, "
            "without stride, dilation and groups, in a convolution's recurrence");
    to.layer.recurrence.kind = RecurrenceKind::conv;
    to.layer.recurrence.kernel = conv.kernel;
    to.recurrent = std::move(read.weight);
}

void add_recurrent_bias(NirLayer& to, const NirNodeReader& reader, const Shape& axes) {
    const NirValue& bias = reader.numbers("bias");
    if (std::ranges::all_of(bias.numbers, [](double b) { return b == 0; })) return;
    const bool conv = reader.node().type == "Conv2d";  // whose bias has one number for each channel
    if (bias.shape != Shape{conv ? int64_t{to.layer.out_channels} : element_count(axes)})
        reader.fail(fmt::format("has a bias of shape {} for {}", shape_text(bias.shape), shape_text(axes)));
    const std::vector<double> more = conv ? bias.numbers : by_channel(reader, {bias.numbers}, to.layer, "bias");
    if (to.bias.empty()) to.bias.assign(to.layer.out_channels, 0.0);
    for (size_t o = 0; o < more.size(); ++o) to.bias[o] += more[o];
}

}  // namespace

NirLayer read_conv(const NirNodeReader& reader, const NirRules& rules, const NirShape& signal) {
    const Shape& shape = reader.numbers("weight").shape;
    check_conv_shape(reader, shape, signal);
    NirLayer result = read_tensors(reader, rules, LayerKind::conv, true);
    Layer& layer = result.layer;
    set_input(layer, signal);
    read_groups(reader, shape, layer);
    check_input_shape(reader, layer);
    const bool one_row = reader.node().type == "Conv1d";
    set_sides(layer.kernel, layer.kernel_width, 0, one_row ? 1 : static_cast<int>(shape[2]),
              static_cast<int>(shape.back()));
    const NirSides stride = sides(reader, "stride", 1, kLargestNirKernel, 1);
    set_sides(layer.stride, layer.stride_width, 0, stride.rows, stride.columns);
    const NirSides dilation =
        reader.node().has("dilation") ? sides(reader, "dilation", 1, kLargestNirKernel, 1) : NirSides{};
    set_sides(layer.dilation, layer.dilation_width, 0, dilation.rows, dilation.columns);
    read_padding(reader, layer);
    if (!set_sizes(layer))
        reader.fail(fmt::format("has kernels of {} by {} that do not fit into {}", layer.kernel, layer.kernel_columns(),
                                shape_text(signal.axes)));
    return result;
}

NirLayer read_full(const NirNodeReader& reader, const NirRules& rules, const NirShape& signal) {
    const Shape& shape = reader.numbers("weight").shape;
    if (shape.size() != 2) reader.fail("has a weight of shape " + shape_text(shape) + ", expected two axes");
    const bool line = signal.channels == 1 && signal.height == 1;  // Rockpool's [1, 1, N]: batch, steps and neurons
    if (signal.axes.size() > 1 && !line && (signal.height != 1 || signal.width != 1))
        reader.fail(fmt::format("reads a map {}, expected a Flatten before it", shape_text(signal.axes)));
    if (shape[1] != signal.elements())
        reader.fail(
            fmt::format("has weights for {}, but reads {}", counted(shape[1], "input"), shape_text(signal.axes)));
    NirLayer result = read_tensors(reader, rules, LayerKind::full, reader.node().type == "Affine");
    set_input(result.layer, signal);
    set_sizes(result.layer);
    return result;
}

void add_recurrence(NirLayer& layer, const NirNodeReader& reader, const NirRules& rules, const Shape& axes) {
    const std::string& type = reader.node().type;
    check_nir_parameters(reader);
    if (type == "Linear" || type == "Affine") {
        recur_densely(layer, reader, rules, axes);
    } else if (type == "Conv2d") {
        recur_by_convolution(layer, reader, rules, axes);
    } else if (type == "Scale") {
        layer.layer.recurrence.kind = RecurrenceKind::one;
        layer.recurrent = by_channel(reader, reader.spread("scale", axes), layer.layer, "scale");
    } else {
        reader.fail("lies between a neuron and itself; expected a Linear, Affine, Conv2d or Scale there");
    }
    const std::string weight = reader.node().name + (type == "Scale" ? "/scale" : "/weight");
    layer.tensors.push_back(
        {weight, "recurrent.weight", reader.numbers(type == "Scale" ? "scale" : "weight").shape, ""});
    if (!reader.node().has("bias")) return;
    add_recurrent_bias(layer, reader, axes);
    layer.tensors.push_back({reader.node().name + "/bias", "bias", reader.numbers("bias").shape,
                             "added to the layer's: it acts at every step"});
}

}  // namespace spikelens

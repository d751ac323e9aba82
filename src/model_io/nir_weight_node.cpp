#include "nir_weight_node.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/counted.h"

namespace spikelens {
namespace {

constexpr int largest_extent = 1 << 24;

std::string rounding_note(const NirValue& value) {
    const bool exact = std::ranges::all_of(value.numbers, [](double x) { return double{static_cast<float>(x)} == x; });
    return exact ? "" : "rounded to float32";
}

void read_bias(const NirNodeReader& reader, const NirRules& rules, NirWeightNode& result) {
    const NirValue& value = reader.numbers("bias");
    if (value.shape != Shape{result.weights.outputs})
        reader.fail(
            fmt::format("has a bias of shape {} for {}", shape_text(value.shape), counted(result.weights.outputs, "output")));
    const bool zero = std::ranges::all_of(value.numbers, [](double number) { return number == 0; });
    const bool left_out = zero && rules.without_bias.contains(reader.node().name);
    result.tensors.push_back({reader.node().name + "/bias", left_out ? "" : "bias", value.shape,
                              left_out ? "zero: the layer has none" : rounding_note(value)});
    if (left_out) return;
    result.weights.has_bias = true;
    result.weights.bias = value.numbers;
}

NirWeightNode read_tensors(const NirNodeReader& reader, const NirRules& rules, bool bias) {
    const NirValue& weight = reader.numbers("weight");
    if (weight.shape[0] < 1 || weight.shape[0] > largest_extent)
        reader.fail("has a weight of shape " + shape_text(weight.shape));
    NirWeightNode result;
    result.weights.outputs = static_cast<int>(weight.shape[0]);
    result.weights.weight = weight.numbers;
    result.tensors = {{reader.node().name + "/weight", "weight", weight.shape, rounding_note(weight)}};
    if (bias) read_bias(reader, rules, result);
    return result;
}

void check_conv(const NirNodeReader& reader, const Shape& weight, const Shape& signal) {
    if (weight.size() != 4) reader.fail("has a weight of shape " + shape_text(weight) + ", expected four axes");
    if (signal.size() != 3) reader.fail(fmt::format("reads a flat signal {}, expected a map", shape_text(signal)));
    if (weight[2] != weight[3])
        reader.fail(fmt::format("has kernels of {} by {}; only square ones are supported", weight[2], weight[3]));
    if (weight[2] < 1 || weight[2] > largest_nir_kernel)
        reader.fail(fmt::format("has kernels of {}, expected 1 to {}", weight[2], largest_nir_kernel));
    if (weight[1] != signal[0])
        reader.fail(fmt::format("has weights for {}, but reads {}", counted(weight[1], "channel"), shape_text(signal)));
    if (reader.node().has("groups") && reader.number("groups") != 1) reader.fail("has groups other than 1");
    if (reader.node().has("dilation") && reader.square("dilation", 0, largest_extent) != 1)
        reader.fail("has a dilation other than 1");
}

void check_input_shape(const NirNodeReader& reader, const Shape& signal) {
    const auto shape = reader.node().values.find("input_shape");
    if (shape == reader.node().values.end() || shape->second.numbers.empty()) return;
    const std::vector<double>& given = reader.numbers("input_shape").numbers;
    if (given.front() != static_cast<double>(signal[1]) || given.back() != static_cast<double>(signal[2]))
        reader.fail(
            fmt::format("expects an input of {:g} by {:g}, but reads {}", given.front(), given.back(), shape_text(signal)));
}

int read_padding(const NirNodeReader& reader, int kernel, int stride) {
    const auto value = reader.node().values.find("padding");
    if (value == reader.node().values.end() || value->second.type != NirType::text)
        return reader.square("padding", 0, kernel - 1);
    const std::string text = value->second.texts.empty() ? "" : value->second.texts[0];
    if (text == "valid") return 0;
    if (text != "same") reader.fail(fmt::format("has the padding '{}', expected numbers, same or valid", text));
    if (stride != 1 || kernel % 2 == 0) reader.fail("has the padding 'same' with a stride or an even kernel");
    return (kernel - 1) / 2;
}

void set_input(NirWeights& weights, const Shape& signal) {
    weights.in_channels = static_cast<int>(signal[0]);
    weights.in_height = signal.size() == 3 ? static_cast<int>(signal[1]) : 1;
    weights.in_width = signal.size() == 3 ? static_cast<int>(signal[2]) : 1;
}

}  // namespace

NirWeightNode read_conv(const NirNodeReader& reader, const NirRules& rules, const Shape& signal) {
    const Shape& shape = reader.numbers("weight").shape;
    check_conv(reader, shape, signal);
    check_input_shape(reader, signal);
    NirWeightNode result = read_tensors(reader, rules, true);
    NirWeights& weights = result.weights;
    set_input(weights, signal);
    weights.kind = LayerKind::conv;
    weights.kernel = static_cast<int>(shape[2]);
    weights.stride = reader.square("stride", 1, largest_nir_kernel);
    weights.padding = read_padding(reader, weights.kernel, weights.stride);
    if (signal[1] + 2 * weights.padding < weights.kernel || signal[2] + 2 * weights.padding < weights.kernel)
        reader.fail(fmt::format("has kernels of {} that do not fit into {}", weights.kernel, shape_text(signal)));
    return result;
}

NirWeightNode read_full(const NirNodeReader& reader, const NirRules& rules, const Shape& signal) {
    const Shape& shape = reader.numbers("weight").shape;
    if (shape.size() != 2) reader.fail("has a weight of shape " + shape_text(shape) + ", expected two axes");
    if (signal.size() == 3 && (signal[1] != 1 || signal[2] != 1))
        reader.fail(fmt::format("reads a map {}, expected a Flatten before it", shape_text(signal)));
    if (shape[1] != element_count(signal))
        reader.fail(fmt::format("has weights for {}, but reads {}", counted(shape[1], "input"), shape_text(signal)));
    NirWeightNode result = read_tensors(reader, rules, reader.node().type == "Affine");
    set_input(result.weights, signal);
    return result;
}

}  // namespace spikelens

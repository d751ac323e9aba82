#include "nir_node.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {

void NirNodeReader::fail(const std::string& what) const { throw InputError(node_place(where_, *node_) + what); }

const NirValue& NirNodeReader::numbers(const std::string& name) const {
    const auto found = node_->values.find(name);
    if (found == node_->values.end()) fail(fmt::format("has no '{}'", name));
    const NirValue& value = found->second;
    if (value.type == NirType::text || value.type == NirType::other)
        fail(fmt::format("has a '{}' that is not numbers", name));
    for (double number : value.numbers)
        if (!std::isfinite(number)) fail(fmt::format("has a value in '{}' that is not finite", name));
    return value;
}

double NirNodeReader::number(const std::string& name) const {
    const NirValue& value = numbers(name);
    if (value.numbers.size() != 1)
        fail(fmt::format("has a '{}' of shape {}, expected one number", name, shape_text(value.shape)));
    return value.numbers[0];
}

NirSides NirNodeReader::sides(const std::string& name, int smallest, int largest) const {
    const NirValue& value = numbers(name);
    if (value.numbers.empty() || value.numbers.size() > 2)
        fail(fmt::format("has a '{}' that is not one or two numbers", name));
    for (const double number : value.numbers)
        if (number != std::floor(number) || number < smallest || number > largest)
            fail(fmt::format("has a {} of {}, expected {} to {}", name, number, smallest, largest));
    return {static_cast<int>(value.numbers.front()), static_cast<int>(value.numbers.back())};
}

NirSpread NirNodeReader::spread(const std::string& name, const Shape& shape, std::optional<double> missing) const {
    if (missing && !node_->has(name)) return {{*missing}};
    const NirValue& value = numbers(name);
    const auto refuse = [&] {
        fail(fmt::format("has a '{}' of shape {} for a signal of shape {}", name, shape_text(value.shape),
                         shape_text(shape)));
    };
    if (value.numbers.size() == 1) return {value.numbers};
    if (value.shape.size() > shape.size()) refuse();
    if (shape.size() > 1 && value.shape == Shape{shape[0]}) return by_first_axis(name, shape);
    // Aligned at the last axis; an extent of 1 repeats.
    std::vector<int64_t> step(shape.size(), 0);
    int64_t size = 1;
    for (size_t back = 1; back <= value.shape.size(); ++back) {
        const int64_t extent = value.shape[value.shape.size() - back], wanted = shape[shape.size() - back];
        if (extent != wanted && extent != 1) refuse();
        step[shape.size() - back] = extent == 1 ? 0 : size;
        size *= extent;
    }
    NirSpread result;
    result.values.resize(element_count(shape));
    for (int64_t i = 0; i < static_cast<int64_t>(result.values.size()); ++i) {
        int64_t rest = i, from = 0;
        for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) from += rest % shape[axis] * step[axis];
        result.values[i] = value.numbers[from];
    }
    return result;
}

/// snnTorch gives recurrent convolutions one value for each channel, as an array of one axis; numpy would take columns.
NirSpread NirNodeReader::by_first_axis(const std::string& name, const Shape& shape) const {
    const NirSpread values{numbers(name).numbers};
    if (values.all(values.at(0))) return {{values.at(0)}};
    if (shape.back() == shape[0])
        fail(
            fmt::format("has a '{}' of shape [{}] for a signal of shape {}: whether it differs between the neurons of "
                        "a channel is not said",
                        name, shape[0], shape_text(shape)));
    NirSpread result;
    const int64_t each = element_count(shape) / shape[0];
    for (const double value : values.values) result.values.insert(result.values.end(), each, value);
    return result;
}

bool NirSpread::all(double value) const {
    return std::ranges::all_of(values, [&](double one) { return one == value; });
}

std::optional<std::vector<double>> channel_values(const NirSpread& spread, int64_t channels, int64_t elements) {
    std::vector<double> result(channels);
    const int64_t each = elements / channels;
    for (int64_t c = 0; c < channels; ++c) {
        result[c] = spread.at(c * each);
        for (int64_t i = 1; i < each; ++i)
            if (spread.at(c * each + i) != result[c]) return std::nullopt;
    }
    return result;
}

void check_nir_parameters(const NirNodeReader& reader) {
    static const std::map<std::string, std::set<std::string>> known = {
        {"Output", {"shape"}},
        {"Conv2d", {"weight", "bias", "stride", "padding", "dilation", "groups", "input_shape"}},
        {"Conv1d", {"weight", "bias", "stride", "padding", "dilation", "groups", "input_shape"}},
        {"Affine", {"weight", "bias"}},
        {"Linear", {"weight"}},
        {"SumPool2d", {"kernel_size", "stride", "padding"}},
        {"AvgPool2d", {"kernel_size", "stride", "padding"}},
        {"Flatten", {"start_dim", "end_dim"}},
        {"Scale", {"scale"}},
        {"IF", {"r", "w_in", "v_leak", "v_threshold", "v_reset"}},
        {"LIF", {"tau", "r", "w_in", "v_leak", "v_threshold", "v_reset"}},
        {"CubaLIF", {"tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset"}},
        {"Threshold", {"threshold"}},
        {"I", {"r"}},
        {"LI", {"tau", "r", "w_in", "v_leak"}},
        {"CubaLI", {"tau_mem", "tau_syn", "r", "w_in", "v_leak"}}};
    const auto names = known.find(reader.node().type);
    if (names == known.end()) return;
    for (const auto& [name, value] : reader.node().values) {
        const bool says_nothing = value.type == NirType::text || value.type == NirType::other || value.numbers.empty();
        const bool of_types = name.starts_with("input_type") || name.starts_with("output_type");
        if (says_nothing || of_types || name.starts_with("metadata") || names->second.contains(name)) continue;
        reader.fail(fmt::format("has a '{}', which a {} of NIR does not have", name, reader.node().type));
    }
}

void check_nir_input(const NirNodeReader& reader, const Shape& signal) {
    const auto given = reader.node().values.find("input_type/input");
    if (given == reader.node().values.end() || given->second.numbers.empty()) return;
    double elements = 1;
    for (double extent : given->second.numbers) {
        if (!(extent > 0)) return;  // left open
        elements *= extent;
    }
    if (elements != static_cast<double>(element_count(signal)))
        reader.fail(fmt::format("expects an input of {:g} elements, but receives {}", elements, shape_text(signal)));
}

}  // namespace spikelens

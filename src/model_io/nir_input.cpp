#include "nir_input.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "nir_node.h"

namespace spikelens {
namespace {

constexpr int64_t largest_input = 1 << 24;

int64_t checked_count(const Shape& shape, const std::string& where) {
    int64_t count = 1;
    for (int64_t extent : shape) {
        if (extent < 1 || extent > largest_input || (count *= extent) > largest_input)
            throw InputError(fmt::format("{}: an input of shape {} cannot be used", where, shape_text(shape)));
    }
    return count;
}

/// What the node says; empty when it does not.
Shape node_shape(const NirNode& node, const std::string& where) {
    const auto found = node.values.find("shape");
    if (found == node.values.end() || found->second.type == NirType::other || found->second.numbers.empty()) return {};
    const std::vector<double>& extents = NirNodeReader(node, where).numbers("shape").numbers;
    Shape shape;
    for (double extent : extents) {
        const double bound = static_cast<double>(largest_input) + 1;
        shape.push_back(static_cast<int64_t>(std::clamp(extent, -1.0, bound)));
    }
    checked_count(shape, where);
    return shape;
}

/// [C, H, W] or [N]: a leading batch axis of 1 is dropped, a map without channels gets one.
Shape usual_axes(Shape shape, NirInput& input) {
    if ((shape.size() == 4 || shape.size() == 2) && shape[0] == 1) {
        shape.erase(shape.begin());
        input.assumptions.push_back(
            fmt::format("The input's first axis was taken to be the batch: it is {}.", shape_text(shape)));
    }
    if (shape.size() == 2) {
        shape.insert(shape.begin(), 1);
        input.assumptions.push_back(fmt::format("The input was taken to be one channel: {}.", shape_text(shape)));
    }
    return shape;
}

void set_extents(NirInput& input, const Shape& shape) {
    input.channels = static_cast<int>(shape[0]);
    input.height = static_cast<int>(shape[1]);
    input.width = static_cast<int>(shape[2]);
}

}  // namespace

NirInput nir_input(const NirNode& node, const NirOptions& options, const std::string& where) {
    NirInput input;
    Shape shape = usual_axes(node_shape(node, where), input);
    const std::string place = node_place(where, node);
    if (!shape.empty() && shape.size() != 1 && shape.size() != 3)
        throw InputError(fmt::format("{}has the shape {}, expected [C, H, W] or [N]", place, shape_text(shape)));
    if (options.input) {
        if (options.input->size() != 3)
            throw InputError(fmt::format("{}: the input {} was given, expected [C, H, W]", where, shape_text(*options.input)));
        const int64_t elements = checked_count(*options.input, where);
        const bool agrees = shape.empty() || (shape.size() == 1 ? shape[0] == elements : shape == *options.input);
        if (!agrees)
            throw InputError(
                fmt::format("{}has the shape {}, but {} was given", place, shape_text(shape), shape_text(*options.input)));
        input.flat = shape.size() == 1;
        set_extents(input, *options.input);
        return input;
    }
    if (shape.empty()) throw InputError(place + "does not say its shape: give the input's [C, H, W]");
    input.flat = shape.size() == 1;
    set_extents(input, input.flat ? Shape{shape[0], 1, 1} : shape);
    return input;
}

}  // namespace spikelens

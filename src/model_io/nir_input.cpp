#include "nir_input.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "nir_node.h"

namespace spikelens {
namespace {

constexpr int64_t kLargestInput = 1 << 24;

int64_t checked_count(const Shape& shape, const std::string& where) {
    int64_t count = 1;
    for (int64_t extent : shape) {
        if (extent < 1 || extent > kLargestInput || (count *= extent) > kLargestInput)
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
        const double bound = static_cast<double>(kLargestInput) + 1;
        shape.push_back(static_cast<int64_t>(std::clamp(extent, -1.0, bound)));
    }
    checked_count(shape, where);
    return shape;
}

/// [C, H, W], [N], or [C, L] for nodes of one axis: a leading batch axis of 1 is dropped, a map without channels gets
/// one.
Shape usual_axes(Shape shape, bool one_row, NirInput& input) {
    const size_t batch = one_row ? 3 : 4;
    if ((shape.size() == batch || (shape.size() == 2 && !one_row)) && shape[0] == 1) {
        shape.erase(shape.begin());
        input.assumptions.push_back(
            fmt::format("The input's first axis was taken to be the batch: it is {}.", shape_text(shape)));
    }
    if (shape.size() == 2 && !one_row) {
        shape.insert(shape.begin(), 1);
        input.assumptions.push_back(fmt::format("The input was taken to be one channel: {}.", shape_text(shape)));
    }
    return shape;
}

void set_extents(NirShape& shape, const Shape& extents) {
    shape.channels = static_cast<int>(extents[0]);
    shape.height = static_cast<int>(extents[1]);
    shape.width = static_cast<int>(extents[2]);
}

/// As the network counts them.
Shape three_extents(const Shape& axes) {
    if (axes.size() == 1) return {axes[0], 1, 1};
    return axes.size() == 2 ? Shape{axes[0], 1, axes[1]} : axes;
}

void use_given(NirInput& input, const Shape& shape, const Shape& given, bool one_row, const NirNode& node,
               const std::string& where) {
    if (given.size() != 3)
        throw InputError(fmt::format("{}: the input {} was given, expected [C, H, W]", where, shape_text(given)));
    const int64_t elements = checked_count(given, where);
    const bool agrees = shape.empty() || (shape.size() == 1 ? shape[0] == elements : three_extents(shape) == given);
    if (!agrees || (one_row && given[1] != 1))
        throw InputError(fmt::format("{}has the shape {}, but {} was given", node_place(where, node), shape_text(shape),
                                     shape_text(given)));
    input.shape.axes = !shape.empty() ? shape : one_row ? Shape{given[0], given[2]} : given;
    set_extents(input.shape, given);
}

}  // namespace

NirInput nir_input(const NirNode& node, const NirOptions& options, bool one_row, const std::string& where) {
    NirInput input;
    const Shape shape = usual_axes(node_shape(node, where), one_row, input);
    const std::string place = node_place(where, node);
    if (!shape.empty() && shape.size() != 1 && shape.size() != 3 && !(one_row && shape.size() == 2))
        throw InputError(fmt::format("{}has the shape {}, expected [C, H, W], [N], or [C, L] before a Conv1d", place,
                                     shape_text(shape)));
    if (options.input) {
        use_given(input, shape, *options.input, one_row, node, where);
        return input;
    }
    if (shape.empty()) throw InputError(place + "does not say its shape: give the input's [C, H, W]");
    input.shape.axes = shape;
    set_extents(input.shape, three_extents(shape));
    return input;
}

}  // namespace spikelens

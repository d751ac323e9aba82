#include "weight_shapes.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "pickle_globals.h"
#include "recurrent_names.h"
#include "weight_roles.h"

namespace spikelens {

SlotPart slot_part(const StateTensor& tensor) {
    if (is_recurrent(tensor.name))
        return leaf_of(tensor.name) == "bias" ? SlotPart::recurrent_bias : SlotPart::recurrent;
    return tensor.view.shape.size() >= 2 ? SlotPart::weight : SlotPart::bias;
}

Shape matched_shape(const StateTensor& tensor) {
    const Shape& shape = tensor.view.shape;
    const auto extents = std::ranges::count_if(shape, [](int64_t extent) { return extent != 1; });
    const bool one_each = shape.size() < 2 || (shape.size() == 3 && extents < 2);
    return slot_part(tensor) == SlotPart::recurrent && one_each ? Shape{} : shape;
}

Shape matched_shape(const WeightSlot& slot) {
    const bool each = slot.part == SlotPart::recurrent && slot.layer->recurrence.kind == RecurrenceKind::one;
    return each ? Shape{} : slot.shape();
}

void require_shape(const StateTensor& tensor, const WeightSlot& slot, const std::string& where) {
    const Shape &shape = tensor.view.shape, expected = slot.shape();
    if (!slot.wanted())
        throw InputError(fmt::format("{}: {} is {} of {}, which the network text gives none: drop its b0", where,
                                     described(tensor), slot.part == SlotPart::bias ? "the bias" : "a recurrent bias",
                                     slot.layer->name));
    const int64_t count = element_count(shape);
    const Layer& layer = *slot.layer;
    const bool spread = layer.out_height * layer.out_width == 1 || shape.size() == 3 || tensor.name == slot.name();
    if (matched_shape(slot).empty() && (count == 1 || (spread && count == expected[0] && shape.front() == count)))
        return;
    if (shape == expected) return;
    Shape turned = shape;
    if (turned.size() > 2) std::swap(turned[0], turned[1]);
    throw InputError(fmt::format("{}: the tensor {} has shape {}, but {} has {}{}", where, shown(tensor.from),
                                 shape_text(shape), slot.name(), shape_text(expected),
                                 turned == expected ? ": is it a transposed convolution? A layer here is none" : ""));
}

}  // namespace spikelens

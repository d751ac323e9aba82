#include "tensor_view.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>

#include <fmt/format.h>

#include "spikelens/core/counted.h"

namespace spikelens {
namespace {

static_assert(std::endian::native == std::endian::little, "tensor bytes are copied as they are");

struct TypeFacts {
    std::string_view name;
    uint64_t size;
};

constexpr std::array<TypeFacts, 15> kFacts = {{{"float32", 4},
                                               {"float16", 2},
                                               {"bfloat16", 2},
                                               {"float64", 8},
                                               {"int8", 1},
                                               {"int16", 2},
                                               {"int32", 4},
                                               {"int64", 8},
                                               {"uint8", 1},
                                               {"uint16", 2},
                                               {"uint32", 4},
                                               {"uint64", 8},
                                               {"bool", 1},
                                               {"complex64", 8},
                                               {"complex128", 16}}};

template <class T>
T load(const uint8_t* bytes) {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

float from_half(uint16_t half) {
    const uint32_t sign = uint32_t(half & 0x8000U) << 16;
    const uint32_t exponent = (half >> 10) & 0x1FU;
    const uint32_t fraction = half & 0x3FFU;
    if (exponent == 0) {  // zero or subnormal: fraction · 2⁻²⁴, exact in float32
        const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
        return sign ? -magnitude : magnitude;
    }
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | (fraction << 13));
    return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

float from_bfloat(uint16_t bits) { return std::bit_cast<float>(uint32_t(bits) << 16); }

/// Moves `index` to the next row (all axes but the last), and `place` with it.
void next_row(const TensorView& view, Shape& index, int64_t& place) {
    for (size_t axis = view.shape.size() - 1; axis-- > 0;) {
        place += view.strides[axis];
        if (++index[axis] < view.shape[axis]) return;
        place -= view.strides[axis] * view.shape[axis];
        index[axis] = 0;
    }
}

template <class T, class Number, class Convert>
void gather(const TensorView& view, std::vector<Number>& values, Convert convert) {
    const uint8_t* bytes = view.storage.bytes.data();
    const int64_t row = view.shape.empty() ? 1 : view.shape.back();
    const int64_t step = view.shape.empty() ? 0 : view.strides.back();
    Shape index(view.shape.size(), 0);
    int64_t place = view.offset;
    for (size_t done = 0; done < values.size(); done += static_cast<size_t>(row)) {
        for (int64_t i = 0; i < row; ++i)
            values[done + static_cast<size_t>(i)] =
                convert(load<T>(bytes + static_cast<size_t>(place + i * step) * sizeof(T)));
        if (!view.shape.empty()) next_row(view, index, place);
    }
}

}  // namespace

uint64_t type_size(TensorType type) { return kFacts.at(static_cast<size_t>(type)).size; }
std::string_view type_name(TensorType type) { return kFacts.at(static_cast<size_t>(type)).name; }

std::string view_fault(const Shape& shape, const Shape& strides, int64_t offset, int64_t count) {
    if (shape.size() != strides.size())
        return fmt::format("has {} but {}", counted(static_cast<int64_t>(shape.size()), "extent"),
                           counted(static_cast<int64_t>(strides.size()), "stride"));
    int64_t elements = 1, last = offset;
    bool empty = false;
    for (size_t axis = 0; axis < shape.size(); ++axis) {
        if (shape[axis] < 0) return "has a negative extent";
        if (strides[axis] < 0) return "has a negative stride";
        empty |= shape[axis] == 0;
        int64_t reach = 0;
        if (__builtin_mul_overflow(elements, std::max<int64_t>(shape[axis], 1), &elements) || elements >> 58 ||
            __builtin_mul_overflow(std::max<int64_t>(shape[axis], 1), strides[axis], &reach) ||
            __builtin_mul_overflow(std::max<int64_t>(shape[axis] - 1, 0), strides[axis], &reach) ||
            __builtin_add_overflow(last, reach, &last))
            return "has the impossible shape " + shape_text(shape) + " with strides " + shape_text(strides);
    }
    if (offset < 0 || offset > count || (!empty && last >= count))
        return "reaches beyond its storage of " + counted(count, "element");
    return "";
}

Shape dense_strides(const Shape& shape) {
    Shape strides(shape.size(), 1);
    for (size_t axis = shape.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * std::max<int64_t>(shape[axis], 1);
    return strides;
}

FloatArray tensor_values(const TensorView& view) {
    FloatArray array(view.shape);
    const auto same = [](float value) { return value; };
    switch (view.type) {
        case TensorType::f32:
            gather<float>(view, array.data, same);
            break;
        case TensorType::f16:
            gather<uint16_t>(view, array.data, from_half);
            break;
        case TensorType::bf16:
            gather<uint16_t>(view, array.data, from_bfloat);
            break;
        case TensorType::f64:
            gather<double>(view, array.data, [](double value) { return static_cast<float>(value); });
            break;
        default:
            assert(false && "integers are no weights");
    }
    return array;
}

namespace {

template <class T>
void gather_whole(const TensorView& view, std::vector<double>& values) {
    gather<T>(view, values, [](T value) { return static_cast<double>(value); });
}

/// False for types that are none of whole numbers.
bool gather_integers(const TensorView& view, std::vector<double>& values) {
    switch (view.type) {
        case TensorType::i8:
            return gather_whole<int8_t>(view, values), true;
        case TensorType::i16:
            return gather_whole<int16_t>(view, values), true;
        case TensorType::i32:
            return gather_whole<int32_t>(view, values), true;
        case TensorType::i64:
            return gather_whole<int64_t>(view, values), true;
        case TensorType::u8:
        case TensorType::boolean:
            return gather_whole<uint8_t>(view, values), true;
        case TensorType::u16:
            return gather_whole<uint16_t>(view, values), true;
        case TensorType::u32:
            return gather_whole<uint32_t>(view, values), true;
        case TensorType::u64:
            return gather_whole<uint64_t>(view, values), true;
        default:
            return false;
    }
}

}  // namespace

std::vector<double> tensor_numbers(const TensorView& view) {
    std::vector<double> values(static_cast<size_t>(element_count(view.shape)));
    if (gather_integers(view, values)) return values;
    if (view.type == TensorType::f64) {
        gather_whole<double>(view, values);
        return values;
    }
    assert(is_real(view.type) && "complex numbers are none of a neuron");
    const FloatArray floats = tensor_values(view);
    return {floats.data.begin(), floats.data.end()};
}

}  // namespace spikelens

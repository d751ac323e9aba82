#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "spikelens/core/array.h"

namespace spikelens {

/// What files of weights keep in a tensor. The first four are what we compute with.
enum class TensorType { f32, f16, bf16, f64, i8, i16, i32, i64, u8, u16, u32, u64, boolean, complex64, complex128 };

uint64_t type_size(TensorType type);
/// "float32", "int64"…
std::string_view type_name(TensorType type);
inline bool is_real(TensorType type) { return type <= TensorType::f64; }

/// Bytes, and what keeps them alive.
struct SharedBytes {
    std::shared_ptr<const void> owner;
    std::span<const uint8_t> bytes;
};

/// A tensor that lies somewhere in little-endian bytes; offset and strides count elements.
struct TensorView {
    SharedBytes storage;
    TensorType type = TensorType::f32;
    int64_t offset = 0;
    Shape shape, strides;
};

/// Why a view cannot be, as the end of a sentence ("reaches beyond its storage of 4 elements"), or "" when every
/// element lies in a storage of `count` elements. No product overflows, and none does later, not even where an extent
/// is zero.
std::string view_fault(const Shape& shape, const Shape& strides, int64_t offset, int64_t count);

Shape dense_strides(const Shape& shape);

/// The elements as float32, gathered in row-major order. The view must be real and without fault.
FloatArray tensor_values(const TensorView& view);

/// The elements as double, of every type but the complex ones. The view must be without fault.
std::vector<double> tensor_numbers(const TensorView& view);

}  // namespace spikelens

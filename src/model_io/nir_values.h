#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What one dataset of an HDF5 file held. `other` stands for types that NIR does not use; it has no contents.
enum class NirType : uint8_t { float64, float32, int64, text, other };

/// One dataset, as plain data. Numbers of every type are kept as double, which holds float32 and 53-bit integers
/// exactly.
struct NirValue {
    NirType type = NirType::float64;
    Shape shape;  ///< empty: a scalar
    std::vector<double> numbers;
    std::vector<std::string> texts;

    bool operator==(const NirValue&) const = default;
};

/// Every dataset of a file by its path, "node/nodes/0/weight".
using NirValues = std::map<std::string, NirValue>;

inline NirValue nir_text(std::string text) { return {NirType::text, {}, {}, {std::move(text)}}; }
inline NirValue nir_numbers(NirType type, Shape shape, std::vector<double> numbers) {
    return {type, std::move(shape), std::move(numbers), {}};
}

}  // namespace spikelens

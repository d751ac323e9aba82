#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// How NumPy stores one number.
struct NpyType {
    char kind = 'i';  ///< 'i', 'u', 'f', 'b' (bool)
    size_t bytes = 8;
    bool big_endian = false;
};

/// One number of every element; a plain array has one, without a name.
struct NpyField {
    std::string name;
    NpyType type;
    size_t offset = 0;  ///< within the element
};

struct NpyHeader {
    std::vector<NpyField> fields;
    size_t element_bytes = 0;
    Shape shape;
    bool fortran_order = false;
    size_t size = 0;  ///< bytes; where the elements begin

    int64_t elements() const { return element_count(shape); }
};

/// The header of a NumPy array file (versions 1.0, 2.0 and 3.0) that holds numbers, or records of numbers; `bytes` is
/// the whole file. Throws InputError that begins with `what` for other elements (text, objects, complex numbers, arrays
/// within records), a damaged header, and elements that are not exactly the rest of the file.
NpyHeader read_npy_header(std::span<const uint8_t> bytes, const std::string& what);

/// A stored number as a whole number. Throws InputError that begins with `what` for one that has a fraction or is
/// beyond ±2^61.
int64_t npy_whole_number(const uint8_t* bytes, const NpyType& type, const std::string& what);

}  // namespace spikelens

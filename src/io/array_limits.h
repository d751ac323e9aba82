#pragma once

#include <cstddef>

namespace spikelens {

// Of array files, written and read.
constexpr size_t longest_attribute = 60'000;  ///< bytes; HDF5 keeps attributes in 64 KB headers
constexpr int most_axes = 8;

}  // namespace spikelens

#pragma once

#include <cstddef>

namespace spikelens {

// Of array files, written and read.
constexpr size_t kLongestAttribute = 60'000;  ///< bytes; HDF5 keeps attributes in 64 KB headers
constexpr int kMostAxes = 8;

}  // namespace spikelens

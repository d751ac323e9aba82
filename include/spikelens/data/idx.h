#pragma once

#include <cstdint>
#include <filesystem>

#include "spikelens/core/array.h"

namespace spikelens {

/// Reads an IDX file of unsigned bytes (magic 00 00 08 D, D big-endian extents), plain or gzip (told by its first two
/// bytes). Throws InputError, one sentence with the file's name, for: a missing or truncated file, a wrong magic,
/// another element type, a wrong number of dimensions, extents whose product overflows or exceeds `limit` bytes, bytes
/// after the end, broken gzip. Concatenated gzip members are one file. Memory grows with what the file truly holds (at
/// most twice that), whatever its header says; a file without samples gives an empty array with its extents.
Array<uint8_t> read_idx(const std::filesystem::path& path, int dimensions, uint64_t limit = uint64_t{1} << 32);

}  // namespace spikelens

#pragma once

#include <filesystem>

#include "nir_values.h"

namespace spikelens {

/// Every dataset of an HDF5 file. HDF5 1.10 is not safe on damaged files, so it reads in a child process: a file that
/// crashes it, hangs it or makes it ask for gigabytes is an InputError, "FILE is damaged: …". So is a file that is no
/// HDF5, that links to elsewhere or keeps its data in other files, and one with more than 1 GiB of numbers.
NirValues read_nir_values(const std::filesystem::path& path);

/// Writes a file with these datasets, the same bytes every time; replaced atomically. Throws RunError when it cannot be
/// written.
void write_nir_values(const std::filesystem::path& path, const NirValues& values);

}  // namespace spikelens

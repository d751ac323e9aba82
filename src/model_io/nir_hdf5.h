#pragma once

#include <string>

#include "nir_values.h"

namespace spikelens {

/// What the child process does. HDF5's state, its locks and its memory live and die there; the parent never calls HDF5.

/// Sends a message (nir_message.h) with every dataset of the file.
void send_hdf5(const std::string& path, int descriptor);

/// Writes the file, then sends a message without values.
void write_hdf5_file(const std::string& path, const NirValues& values, int descriptor);

}  // namespace spikelens

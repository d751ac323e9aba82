#pragma once

#include <string>

#include "nir_values.h"

namespace spikelens {

/// What the child process does. HDF5's state, its locks and its memory live and die there; the parent never calls HDF5.

/// Sends a message (nir_message.h) with every dataset of the file.
void send_hdf5(const std::string& path, int descriptor);

/// Sends a message with the bytes of an HDF5 file that holds the values.
void send_hdf5_image(const NirValues& values, int descriptor);

}  // namespace spikelens

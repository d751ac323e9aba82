#pragma once

#include <string>
#include <string_view>

#include "nir_values.h"

namespace spikelens {

/// How the process that uses HDF5 tells its parent what it found: records of one byte (what follows), then lengths and
/// bytes, in the machine's own byte order. A message ends with `kMessageEnd`; one without it was cut off.
constexpr char kMessageValue = 'v', kMessageError = 'e', kMessageImage = 'h', kMessageEnd = '.';

void append_value(std::string& message, const std::string& path, const NirValue& value);
void append_error(std::string& message, const std::string& sentence);
void append_image(std::string& message, const std::string& bytes);

/// What a message says. Nothing in it is trusted: lengths are checked against the bytes that are there.
struct NirMessage {
    NirValues values;
    std::string error;      ///< what the child found wrong with the file
    std::string image;      ///< the bytes of an HDF5 file
    bool complete = false;  ///< whether the end was reached
};
NirMessage parse_message(std::string_view bytes);

}  // namespace spikelens

#pragma once

#include <filesystem>

#include "safetensors_header.h"
#include "tensor_view.h"

namespace spikelens {

/// A safetensors file before its tensors are converted.
struct SafetensorsFile {
    SafetensorsHeader header;
    SharedBytes data;  ///< what follows the header

    TensorView view(const TensorEntry& entry) const;
};

/// Throws what read_safetensors throws, but takes integers too.
SafetensorsFile open_safetensors(const std::filesystem::path& path);

}  // namespace spikelens

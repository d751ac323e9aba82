#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "spikelens/core/array.h"

#include "tensor_view.h"

namespace spikelens {

/// One tensor as the header states it; offsets count from the end of the header and are not checked yet.
struct TensorEntry {
    TensorType type = TensorType::f32;
    Shape shape;
    uint64_t begin = 0, end = 0;
};

struct SafetensorsHeader {
    std::map<std::string, TensorEntry> tensors;
    std::map<std::string, std::string> metadata;
};

/// Reads the JSON header event by event, so that what it costs is bounded by what it says. Throws InputError for
/// everything the format's grammar does not have: duplicate or unknown keys, missing fields, negative or fractional
/// numbers.
SafetensorsHeader parse_safetensors_header(std::string_view text, const std::string& where);

}  // namespace spikelens

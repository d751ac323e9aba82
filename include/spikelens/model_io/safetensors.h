#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "spikelens/core/array.h"

namespace spikelens {

/// A safetensors file: named float32 arrays and a flat map of strings
/// (https://github.com/huggingface/safetensors#format).
struct Safetensors {
    std::map<std::string, FloatArray> tensors;
    std::map<std::string, std::string> metadata;
};

/// Reads F32, F16, BF16 and F64 tensors as float32. Throws InputError for everything that is not a valid file: a header
/// longer than the file or 100 MB, broken JSON, duplicate keys, offsets that overlap, leave holes or do not match shape
/// and type.
Safetensors read_safetensors(const std::filesystem::path& path);

/// Written atomically, tensors in name order as F32, so equal contents give equal bytes.
void write_safetensors(const std::filesystem::path& path, const Safetensors& contents);

}  // namespace spikelens

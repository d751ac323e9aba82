#include "spikelens/io/files.h"
#include "spikelens/model_io/import.h"

namespace spikelens {
namespace {

/// A length below 2^40, then a JSON object.
bool is_safetensors(const std::string& start) {
    return start.size() > 8 && start[8] == '{' && start[5] == 0 && start[6] == 0 && start[7] == 0;
}

}  // namespace

std::string_view begins_as(const std::filesystem::path& path) {
    const std::string start = read_start(path, 9);
    // First: the length of a safetensors header may begin with the bytes of any other format.
    if (is_safetensors(start)) return "safetensors";
    if (start.starts_with("\x89HDF\r\n\x1a\n")) return "nir";
    return start.starts_with("PK") || start.starts_with('\x80') ? "pytorch" : "";
}

}  // namespace spikelens

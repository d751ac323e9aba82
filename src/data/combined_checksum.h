#pragma once

#include <map>
#include <string>

#include "spikelens/io/sha256.h"

namespace spikelens {

/// One checksum of many files, path within the folder → SHA-256: of the lines "<sha256>  <path>\n", sorted by path.
inline std::string combined_checksum(const std::map<std::string, std::string>& checksums) {
    std::string lines;
    for (const auto& [path, sum] : checksums) lines.append(sum).append("  ").append(path).append("\n");
    return sha256_of_bytes(lines);
}

}  // namespace spikelens

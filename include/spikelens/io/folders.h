#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

namespace spikelens {

using WantedEntry = std::function<bool(const std::filesystem::directory_entry&)>;

/// The entries of a folder that are wanted, in no order, and no more than `most` of them. Throws InputError when the
/// folder is missing or must not be opened, RunError when the disk fails; both name the folder.
std::vector<std::filesystem::directory_entry> entries_of(const std::filesystem::path& folder, const WantedEntry& wanted,
                                                         size_t most = SIZE_MAX);

}  // namespace spikelens

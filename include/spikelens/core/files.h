#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace spikelens {

/// Runs `write` on a temporary path beside `path`, then syncs and renames: `path` holds the old bytes or the new ones,
/// never half. The temporary is removed when `write` throws. Makes missing parent folders.
/// Throws RunError when the file cannot be written.
void write_atomically(const std::filesystem::path& path, const std::function<void(const std::filesystem::path&)>& write);

/// write_atomically for bytes at hand.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// The whole file. Throws InputError when it is missing, not a regular file, unreadable or larger than `limit` bytes.
std::string read_file(const std::filesystem::path& path, uint64_t limit = uint64_t{1} << 33);

}  // namespace spikelens

#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace spikelens {

/// HDF5 leaves the first bytes of a file to its user. Ours hold one line, "Spikelens arrays, SHA-256 of the rest: <64 hex
/// digits>", so that damage is noticed before HDF5, which trusts its files, sees them.
constexpr size_t kChecksumBlockSize = 512;

/// The block for a file of these bytes, whose own first 512 do not count.
std::string checksum_block(std::string_view file);

/// Throws InputError, with the path of the file, when its bytes have no such block, or are others than were written.
void verify_checksum_block(std::string_view file, const std::filesystem::path& path);

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <filesystem>

namespace spikelens {

/// HDF5 leaves the first bytes of a file to its user. Ours hold one line, "Spikelens arrays, SHA-256 of the rest: <64 hex
/// digits>", so that damage is noticed before HDF5, which trusts its files, sees them.
constexpr uint64_t checksum_block_size = 512;

/// Fills the block of a file whose HDF5 part is complete.
void write_checksum_block(const std::filesystem::path& path);

/// Throws InputError when the file is missing, has no such block, or has other bytes than were written. Returns the file's
/// size.
uint64_t verify_checksum_block(const std::filesystem::path& path);

}  // namespace spikelens

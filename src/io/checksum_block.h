#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>

namespace spikelens {

/// HDF5 leaves the first bytes of a file to its user. Ours hold one line, "Spikelens arrays, SHA-256 of the rest: <64
/// hex digits>", so that damage is noticed before HDF5, which trusts its files, sees them.
constexpr size_t kChecksumBlockSize = 512;

/// Gives the bytes from `offset` on, and returns how many there were: fewer only at the end.
using ReadAt = std::function<size_t(uint64_t offset, std::span<char> target)>;

/// The block for a file of these bytes, whose own first 512 do not count.
std::string checksum_block(const ReadAt& file);

/// Throws InputError, with the path of the file, when its bytes have no such block, or are others than were written.
void verify_checksum_block(const ReadAt& file, const std::filesystem::path& path);

}  // namespace spikelens

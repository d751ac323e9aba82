#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace spikelens {

/// How the packets of an AEDAT 4 file are packed, as its header numbers it.
enum class Packing : int32_t { none = 0, lz4 = 1, lz4_high = 2, zstd = 3, zstd_high = 4 };

/// The FlatBuffer of a packet: unpacked (one LZ4 or Zstandard frame), and without the size that stands before it. That
/// size is believed only as bytes arrive, and up to `limit`. Throws InputError that begins with `what` for a damaged
/// frame, bytes after it, or more or fewer bytes than announced.
std::vector<uint8_t> unpack_packet(std::span<const uint8_t> packed, Packing packing, uint64_t limit,
                                   const std::string& what);

}  // namespace spikelens

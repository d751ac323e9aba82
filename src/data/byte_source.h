#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace spikelens {

/// The bytes of a file from its start, unpacked when the file is gzip.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    /// Fills `target` and returns how many bytes it got: fewer than asked only at the end of the content.
    /// Throws InputError when its gzip is truncated, damaged or followed by something else, RunError when the disk
    /// fails.
    virtual size_t read(std::span<uint8_t> target) = 0;
};

/// Gzip is told by its first two bytes. Throws InputError when there is no such regular file.
std::unique_ptr<ByteSource> open_bytes(const std::filesystem::path& path);

}  // namespace spikelens

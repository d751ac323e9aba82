#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace spikelens {

/// What a zip file may be before it is refused.
struct ZipLimits {
    uint64_t entries = uint64_t{1} << 16;
    uint64_t unpacked =
        uint64_t{1} << 34;  ///< bytes of all entries together, as the directory of the archive announces them
};

/// A zip file, read only. Its files are stored or deflated (other methods and encryption are refused). Every size is
/// checked before memory is taken, and memory grows only as bytes are unpacked: an archive that promises or unpacks to
/// more than its limits is an InputError, as is a truncated or damaged one. Not to be shared between threads.
class ZipArchive {
  public:
    explicit ZipArchive(const std::filesystem::path& path, const ZipLimits& limits = {});
    /// `bytes` must live as long as the archive; `name` stands for the file in messages.
    ZipArchive(std::span<const uint8_t> bytes, std::string name, const ZipLimits& limits = {});
    ~ZipArchive();
    ZipArchive(ZipArchive&&) noexcept;
    ZipArchive& operator=(ZipArchive&&) noexcept;

    /// The files in the order of the archive, folders left out. No name comes twice.
    const std::vector<std::string>& names() const;
    bool has(const std::string& name) const;
    /// Bytes the archive announces for a file; what read() gives, or it throws.
    uint64_t size(const std::string& name) const;
    /// A file unpacked, its checksum verified. Throws InputError when there is none of this name or it is larger than
    /// `limit` bytes.
    std::vector<uint8_t> read(const std::string& name, uint64_t limit) const;

  private:
    struct Opened;
    std::unique_ptr<Opened> opened_;
};

}  // namespace spikelens

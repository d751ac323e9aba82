#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace spikelens {

/// A file under way: what came so far, kept between runs, held by one process at a time.
class PartFile {
  public:
    /// Opens or makes it. Throws RunError when that fails or another process holds it.
    explicit PartFile(std::filesystem::path path);
    ~PartFile();
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    uint64_t size() const { return size_; }
    /// Throws RunError when the disk does not take it.
    void append(std::string_view bytes);
    /// Throws RunError, as move_to does.
    void clear();
    /// Syncs what came and gives it its name, still held: it is complete.
    void move_to(const std::filesystem::path& target);

  private:
    [[noreturn]] void fail() const;

    std::filesystem::path path_;
    int descriptor_ = -1;
    uint64_t size_ = 0;
};

}  // namespace spikelens

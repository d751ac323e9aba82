#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "spikelens/data/pictures.h"

namespace spikelens {

/// What is known of a picture once it has been read.
struct PictureFacts {
    std::string sha256;  ///< of its file
    Shape shape;         ///< [3, H, W] after framing; empty when it is damaged
    std::string error;   ///< why
    bool operator==(const PictureFacts&) const = default;
};

/// What an earlier opening found of a folder's pictures, so that it need not read them all again. It is kept in
/// cache_folder()/pictures, one file for a folder, a framing and a version of Spikelens. A picture is known again when
/// its path, device, inode, size and the times of its last change (of its bytes, and of anything, which nobody can set)
/// are the same to the nanosecond. What changed within two seconds of being read is not kept: the clock of a file
/// system may not tell the difference. No result depends on the index: a picture that is decoded later is compared with
/// its checksum once more. Safe to use from several threads.
class PictureIndex {
  public:
    /// Folders of fewer pictures are read again: that takes no time, and leaves no file behind.
    static constexpr int64_t kWorthKeeping = 500;

    /// Reads what is kept, if anything is: a file that is missing or cannot be read is an empty index.
    PictureIndex(const std::filesystem::path& folder, const PictureOptions& options);

    /// What is known of a file as it lies on disk.
    std::optional<PictureFacts> find(const std::string& path);
    /// Remembers what was found of a file; `find` has been asked for it before.
    void put(const std::string& path, const PictureFacts& facts);
    /// Keeps all that was found or put, and nothing else. Where the cache cannot be written, nothing is kept.
    void save() const;

  private:
    /// How a file lay on disk, as text.
    struct Known {
        std::string stamp;
        PictureFacts facts;
    };

    void load();

    std::filesystem::path file_;  ///< empty where there is no folder for caches
    std::string key_;
    std::map<std::string, Known> kept_, seen_;
    std::mutex mutex_;
};

}  // namespace spikelens

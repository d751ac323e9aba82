#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "spikelens/core/array.h"
#include "spikelens/data/pictures.h"

#include "picture_ahead.h"

namespace spikelens {

class PictureCache {
  public:
    /// Bytes of pictures that are kept, and of those that are read ahead, by one thread less than these (0: all cores).
    PictureCache(int64_t kept, int64_t ahead, int threads, PictureOptions options);

    /// The picture: kept, read ahead, or read from its file. Throws InputError as photograph_bytes does, and for a file
    /// that was changed.
    std::shared_ptr<const Array<uint8_t>> picture(const PictureFile& file);
    /// These, of `bytes` each, are asked for next.
    void expect(std::span<const PictureFile> files, int64_t bytes);

    /// Keeps it where there is room.
    void keep(const std::string& sha256, std::shared_ptr<const Array<uint8_t>> picture) {
        const std::lock_guard lock(mutex_);
        const int64_t size = picture->size();
        if (size <= room_ && kept_.emplace(sha256, std::move(picture)).second) room_ -= size;
    }

  private:
    /// The picture of a file with this checksum; nullptr when it is not kept.
    std::shared_ptr<const Array<uint8_t>> find(const std::string& sha256) const {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(sha256);
        return found == kept_.end() ? nullptr : found->second;
    }
    std::shared_ptr<const Array<uint8_t>> read(const PictureFile& file);

    const PictureOptions options_;
    mutable std::mutex mutex_;
    int64_t room_;
    std::unordered_map<std::string, std::shared_ptr<const Array<uint8_t>>> kept_;
    PictureAhead ahead_;  // ends first
};

/// Reads a picture: from its file, which gives the checksum too, by the options' framing. Throws InputError as
/// photograph_bytes does; `sha256` is set before that.
Array<uint8_t> read_picture_file(const std::string& path, const PictureOptions& options, std::string& sha256);

}  // namespace spikelens

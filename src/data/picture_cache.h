#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "spikelens/core/array.h"
#include "spikelens/data/pictures.h"

namespace spikelens {

class PictureCache {
  public:
    explicit PictureCache(int64_t bytes) : room_(bytes) {}

    /// The picture of a file with this checksum; nullptr when it is not kept.
    std::shared_ptr<const Array<uint8_t>> find(const std::string& sha256) const {
        const std::lock_guard lock(mutex_);
        const auto found = kept_.find(sha256);
        return found == kept_.end() ? nullptr : found->second;
    }
    /// Keeps it where there is room.
    void keep(const std::string& sha256, std::shared_ptr<const Array<uint8_t>> picture) {
        const std::lock_guard lock(mutex_);
        const int64_t size = picture->size();
        if (size <= room_ && kept_.emplace(sha256, std::move(picture)).second) room_ -= size;
    }

  private:
    mutable std::mutex mutex_;
    int64_t room_;
    std::unordered_map<std::string, std::shared_ptr<const Array<uint8_t>>> kept_;
};

/// Reads a picture: from its file, which gives the checksum too, by the options' framing. Throws InputError as
/// photograph_bytes does; `sha256` is set before that.
Array<uint8_t> read_picture_file(const std::string& path, const PictureOptions& options, std::string& sha256);

}  // namespace spikelens

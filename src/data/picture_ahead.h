#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/data/pictures.h"

namespace spikelens {

/// Reads pictures that are asked for next, in threads of its own, beside those that compute. Safe to use from several.
class PictureAhead {
  public:
    using Picture = std::shared_ptr<const Array<uint8_t>>;

    /// `read` is called from several threads. Where it throws, the picture is not had ahead: whoever asks for it reads
    /// it and meets the error. At most `room` bytes wait to be taken.
    PictureAhead(int64_t room, int threads, std::function<Picture(const PictureFile& file)> read);
    /// Waits for the pictures that are being read, and begins no more.
    ~PictureAhead();
    PictureAhead(const PictureAhead&) = delete;
    PictureAhead& operator=(const PictureAhead&) = delete;

    /// Reads these, of `bytes` each, in this order: the first of them where there is no room for all. What was expected
    /// before and was not taken is forgotten.
    void expect(std::span<const PictureFile> files, int64_t bytes);

    /// The picture, once: waits for one that is being read. nullptr for one that nobody reads: the caller does.
    Picture take(const std::string& sha256);

  private:
    struct Entry {
        std::shared_ptr<const PictureFile> file;  ///< so that threads share it without memory of their own
        bool under_way = false, through = false;
        Picture picture;
    };
    void work();
    void start_threads();

    const int64_t room_;
    const int threads_;
    const std::function<Picture(const PictureFile&)> read_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool ending_ = false;
    std::map<std::string, Entry> expected_;  // by checksum
    std::deque<std::string> waiting_;
    std::vector<std::jthread> workers_;
};

}  // namespace spikelens

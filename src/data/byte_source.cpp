#include "byte_source.h"

#include <algorithm>
#include <array>
#include <string>

#include <zlib.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

class PlainSource : public ByteSource {
  public:
    explicit PlainSource(const fs::path& path) : file_(path) {}

    size_t read(std::span<uint8_t> target) override { return file_.read(target.data(), target.size()); }

  private:
    FileReader file_;
};

// zlib's own gzread takes what follows the last member for nothing; here it is an error.
class GzipSource : public ByteSource {
  public:
    explicit GzipSource(const fs::path& path) : path_(path), packed_(path) {
        const int gzip_only = 15 + 16;
        if (inflateInit2(&stream_, gzip_only) != Z_OK) throw RunError("zlib cannot start on " + path.string());
    }
    ~GzipSource() override { inflateEnd(&stream_); }
    GzipSource(const GzipSource&) = delete;
    GzipSource& operator=(const GzipSource&) = delete;

    size_t read(std::span<uint8_t> target) override {
        size_t got = 0;
        while (got < target.size() && has_input()) got += unpack(target.subspan(got));
        return got;
    }

  private:
    /// Whether more of the packed file is to be unpacked; refills the buffer.
    bool has_input() {
        if (stream_.avail_in == 0) {
            stream_.avail_in = static_cast<uInt>(packed_.read(buffer_));
            stream_.next_in = buffer_.data();
        }
        if (stream_.avail_in > 0) return true;
        if (inside_member_ && !flush_pending_) throw InputError(path_.string() + " is a truncated gzip file");
        return inside_member_;
    }

    size_t unpack(std::span<uint8_t> target) {
        inside_member_ = true;
        stream_.next_out = target.data();
        const auto room = static_cast<uInt>(std::min<size_t>(target.size(), 1U << 30));
        stream_.avail_out = room;
        const int status = inflate(&stream_, Z_NO_FLUSH);
        flush_pending_ = stream_.avail_out == 0;
        if (status == Z_STREAM_END) {
            inside_member_ = false;
            inflateReset(&stream_);
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            throw InputError(path_.string() + " is a damaged gzip file (" +
                             (stream_.msg ? stream_.msg : zError(status)) + ")");
        }
        return room - stream_.avail_out;
    }

    fs::path path_;
    PlainSource packed_;
    std::array<uint8_t, 1 << 16> buffer_{};
    z_stream stream_{};
    bool inside_member_ = true;   ///< a member was begun and its checksum not yet seen
    bool flush_pending_ = false;  ///< the last target was filled, so zlib may hold more without new input
};

}  // namespace

std::unique_ptr<ByteSource> open_bytes(const fs::path& path) {
    if (read_start(path, 2) == "\x1f\x8b") return std::make_unique<GzipSource>(path);
    return std::make_unique<PlainSource>(path);
}

}  // namespace spikelens

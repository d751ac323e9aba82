#include "part_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

namespace spikelens {

PartFile::PartFile(std::filesystem::path path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail();
    const off_t end = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0 ? ::lseek(descriptor_, 0, SEEK_END) : -1;
    if (end < 0) {
        const bool held = errno == EWOULDBLOCK;
        ::close(descriptor_);
        if (held) throw RunError(path_.string() + " is being written by another process");
        fail();
    }
    size_ = static_cast<uint64_t>(end);
}

PartFile::~PartFile() { ::close(descriptor_); }

void PartFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written == 0) errno = EIO;
        if (written <= 0) fail();
        size_ += static_cast<uint64_t>(written);
        bytes.remove_prefix(static_cast<size_t>(written));
    }
}

void PartFile::clear() {
    if (::ftruncate(descriptor_, 0) != 0) fail();
    size_ = 0;
}

void PartFile::move_to(const std::filesystem::path& target) {
    int status = ::fsync(descriptor_);
    while (status != 0 && errno == EINTR) status = ::fsync(descriptor_);
    if (status != 0) fail();
    // Closing a copy reports what closing has to report, and keeps the lock.
    if (const int copy = ::fcntl(descriptor_, F_DUPFD_CLOEXEC, 0); copy < 0 || ::close(copy) != 0) fail();
    move_into_place(path_, target);
}

void PartFile::fail() const { throw RunError("cannot write " + path_.string() + ": " + std::strerror(errno)); }

}  // namespace spikelens

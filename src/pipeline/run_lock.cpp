#include "spikelens/pipeline/run_lock.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);

fs::path lock_file(const fs::path& root) { return root / "run.lock"; }

void make_directory(const fs::path& root) {
    std::error_code error;
    fs::path there = fs::absolute(root, error);
    while (there.has_relative_path() && !fs::exists(fs::symlink_status(there, error))) there = there.parent_path();
    if (fs::exists(fs::symlink_status(there, error)) && !fs::is_directory(there, error))
        throw InputError(root.string() + " cannot be a run directory: there is a file where a folder is expected");
    make_folders(root);
    // Every file is written beside the old one and takes its place, so the folder itself must take new files.
    if (::access(root.c_str(), W_OK | X_OK) != 0)
        throw RunError("cannot write into the folder " + root.string() + ": " + std::strerror(errno));
}

/// The lock file, open and locked.
int locked(const fs::path& root, const RunLock::Waiting& waiting) {
    make_directory(root);
    int descriptor = -1;
    do descriptor = ::open(lock_file(root).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) throw RunError("cannot write " + lock_file(root).string() + ": " + std::strerror(errno));
    try {
        while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EINTR) continue;
            if (errno != EWOULDBLOCK) throw RunError("cannot lock " + root.string() + ": " + std::strerror(errno));
            if (!waiting) throw RunError("another process is writing into " + root.string());
            waiting();
            std::this_thread::sleep_for(kPause);
        }
    } catch (...) {
        ::close(descriptor);
        throw;
    }
    return descriptor;
}

}  // namespace

RunLock::RunLock(const fs::path& root, const Waiting& waiting) {
    struct stat status {};
    do {  // again where who held it before has removed the file
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = locked(root, waiting);
        if (::fstat(descriptor_, &status) != 0) {
            const int error = errno;
            ::close(descriptor_);
            throw RunError("cannot lock " + root.string() + ": " + std::strerror(error));
        }
    } while (status.st_nlink == 0);
    device_ = status.st_dev;
    inode_ = status.st_ino;
}

RunLock::~RunLock() {
    ::close(descriptor_);
}  // nothing was written through it: closing gives up the lock and cannot lose data

bool RunLock::covers(const fs::path& root) const {
    struct stat status {};
    return ::stat(lock_file(root).c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
}

}  // namespace spikelens

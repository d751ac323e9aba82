#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

namespace spikelens {

/// A run directory held by one writer. Whoever writes into a run holds its lock from before it reads the run's results
/// until it has written its own; whoever only reads needs none, since every file is replaced as a whole.
///
/// The lock is the kernel's (flock on the file run.lock in the directory): it ends with the process, however that dies,
/// so it is never left behind. The file stays; it is empty and means nothing by itself.
class RunLock {
  public:
    /// Called about ten times a second while another process holds the lock; throws to give up.
    using Waiting = std::function<void()>;

    /// Waits for the lock of this directory, which is made where it is missing. Without `waiting` it does not wait.
    /// Throws RunError when another process holds the lock and there is no waiting, and when the directory cannot be
    /// written to; InputError when something else than a directory is there.
    explicit RunLock(const std::filesystem::path& root, const Waiting& waiting = {});
    ~RunLock();
    RunLock(const RunLock&) = delete;
    RunLock& operator=(const RunLock&) = delete;

    /// Whether it is the lock of this directory, by whatever name.
    bool covers(const std::filesystem::path& root) const;

  private:
    int descriptor_ = -1;
    uint64_t device_ = 0, inode_ = 0;  ///< of the lock file
};

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace spikelens {

struct ChildLimits {
    int processor_seconds = 2;
    int seconds = 6;                      ///< of time; a busy machine gives a child less than all of it
    uint64_t memory = uint64_t{3} << 30;  ///< beyond what the program already has
    uint64_t answer = uint64_t{5} << 28;  ///< bytes of the answer
};

/// Limits for reading or writing a file of so many bytes: a second more for every 4 MiB, 64 bytes of memory for each
/// byte.
ChildLimits limits_for_file(uint64_t size);

struct ChildAnswer {
    std::string bytes;
    std::string
        failure;  ///< "" when the child ended well; else how it ended: "was stopped by signal 11 (Segmentation fault)"
};

/// Runs `work` in a child process that may crash, hang or run out of memory without harm, and collects what it writes
/// to the descriptor it is given. The child has no other open files, prints nothing, leaves no core dump and no zombie,
/// and dies with its parent. Throws RunError when no child can be made.
///
/// `work` runs after fork() in a program that may have other threads. Those threads do not exist in the child, and
/// locks that one of them held stay locked. malloc is safe (glibc unlocks it in the child), and so is everything that
/// `work` is the first to touch; whatever else blocks on such a lock is ended by the time limit, which only costs time.
/// `work` must not throw.
ChildAnswer run_in_child(const std::function<void(int descriptor)>& work, const ChildLimits& limits = {});

/// Writes everything, or ends the child: its parent is gone.
void write_or_exit(int descriptor, const char* bytes, size_t length);

}  // namespace spikelens

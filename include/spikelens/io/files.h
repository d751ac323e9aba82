#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace spikelens {

// Writing. Every file that Spikelens writes comes from here, except downloads, which continue after an interruption.

/// Takes the bytes of a file in their order. Throws RunError when the disk does not take them.
using Append = std::function<void(std::string_view bytes)>;

/// Gives `path` the bytes that `write` appends: afterwards it holds the old bytes or the new ones, never half, whenever
/// the process or the machine stops. They go to a temporary beside it (`NAME.spikelens-0.part`, then 1, …: no other
/// writer has the same), which is synced, closed, renamed, and its folder synced. The temporary is removed when
/// anything fails. One that a killed process left behind is removed by the next writer of the same file; whether a
/// process still writes it, a lock tells, so this holds across machines too. Where the file system knows no locks, none
/// is removed. Makes missing parent folders. Permissions are the umask's. A symbolic link stays: the file that it leads
/// to is replaced. Throws RunError, "cannot write PATH: why", when any step fails, or `path` is there and is not a
/// regular file.
void write_atomically(const std::filesystem::path& path, const std::function<void(const Append& append)>& write);

/// write_atomically for bytes at hand.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Makes a folder and those above it that are missing, and syncs where they stand. Throws RunError.
void make_folders(const std::filesystem::path& folder);

/// Renames a file that is complete and synced, replaces `to`, and syncs the folder. Throws RunError when either fails.
void move_into_place(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes a file, if it is there. Throws RunError when it cannot be removed.
void remove_file(const std::filesystem::path& path);

// Reading.

/// A regular file, read from its start to its end, or anywhere.
class FileReader {
  public:
    /// Throws InputError when it is missing, not a regular file, or must not be opened.
    explicit FileReader(std::filesystem::path path);
    ~FileReader();
    FileReader(const FileReader&) = delete;
    FileReader& operator=(const FileReader&) = delete;

    uint64_t size() const { return size_; }  ///< when it was opened
    /// Reads up to `count` bytes and returns how many there were: fewer only at the end. Throws RunError when the disk
    /// does not give them.
    size_t read(void* target, size_t count);
    /// The same from `offset` on; where read() goes on stays. Several threads may call it.
    size_t read_at(uint64_t offset, std::span<char> target) const;
    /// Throws RunError when the system reports an error. Without it the destructor closes.
    void close();

  private:
    std::filesystem::path path_;
    int descriptor_ = -1;
    uint64_t size_ = 0;
};

/// The whole file. Throws InputError when it is missing, not a regular file, must not be opened, is larger than `limit`
/// bytes or shrinks meanwhile; RunError when the disk fails.
std::string read_file(const std::filesystem::path& path, uint64_t limit = uint64_t{1} << 33);

/// The first bytes of a file, all of them when it has fewer. Throws as read_file does.
std::string read_start(const std::filesystem::path& path, size_t count);

}  // namespace spikelens

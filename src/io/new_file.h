#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <sys/types.h>

namespace spikelens {

/// Reads the bytes from `offset` on, up to the end of the file: says how many there were, or is negative, and errno
/// says why.
ssize_t read_whole(int descriptor, uint64_t offset, std::span<char> target);

/// An open file that closes itself.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    int get() const { return number_; }
    bool valid() const { return number_ >= 0; }
    void reset(int number);
    /// What close says: 0 or an errno.
    int close();

  private:
    int number_;
};

/// The bytes of `target` on their way: a temporary beside it that no other writer has, removed unless it is put in
/// place.
class NewFile {
  public:
    /// Makes missing parent folders and the temporary. Throws RunError, as all that follows.
    explicit NewFile(const std::filesystem::path& target);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void append(std::string_view bytes);
    void write_at(uint64_t offset, std::string_view bytes);
    /// Returns how many bytes there were: fewer only at the end.
    size_t read_at(uint64_t offset, std::span<char> target) const;
    void resize(uint64_t size);
    /// Syncs, closes, renames, and syncs the folder.
    void put_in_place();

  private:
    template <class Write>
    void write_all(std::string_view bytes, const Write& write);
    void open_temporary();
    bool claim();
    [[noreturn]] void fail(int error) const;

    std::filesystem::path target_;  ///< as it was named, for messages
    std::filesystem::path place_;   ///< where its symbolic links lead
    std::filesystem::path temporary_;
    Descriptor file_{-1};
    bool in_place_ = false;
};

}  // namespace spikelens

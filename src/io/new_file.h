#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace spikelens {

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

/// The bytes of `target` on their way: a temporary beside it that no other writer has, removed unless it is put in place.
class NewFile {
  public:
    /// Makes missing parent folders and the temporary. Throws RunError, as all that follows.
    explicit NewFile(const std::filesystem::path& target);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void append(std::string_view bytes);
    /// Syncs, closes, renames, and syncs the folder.
    void put_in_place();

  private:
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

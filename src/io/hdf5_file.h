#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/hdf5_image.h"

namespace spikelens {

/// Where the bytes of an HDF5 file lie. HDF5 forgets what a disk did not take, and a file of its that cannot be closed
/// is closed again, and may crash, when the program ends. So it does not hear of a write that throws: what was not
/// taken stays in memory, where HDF5 finds it again, and check() throws what was thrown.
class Hdf5Storage {
  public:
    uint64_t size = 0;                                                      ///< bytes that are there
    std::function<size_t(uint64_t offset, std::span<char> target)> read{};  ///< returns fewer only at the end
    std::function<void(uint64_t offset, std::string_view bytes)> write{};   ///< none where it is only read
    std::function<void(uint64_t size)> resize{};

    /// Throws what the first operation that failed has thrown.
    void check() const {
        if (failure_) std::rethrow_exception(failure_);
    }

    // For HDF5. False when the bytes cannot be had.
    bool give(uint64_t offset, std::span<char> target) noexcept;
    void take(uint64_t offset, std::string_view bytes);
    void cut(uint64_t end);

  private:
    std::exception_ptr failure_;
    std::vector<std::pair<uint64_t, std::string>> untaken_;  ///< in the order in which they came
};

/// An HDF5 file in a storage, which is not held in memory.
class Hdf5File {
  public:
    /// A new file, whose first `user_block` bytes are left to the caller. Throws RunError when HDF5 fails.
    Hdf5File(Hdf5Storage storage, size_t user_block);
    /// An old one, for reading.
    explicit Hdf5File(Hdf5Storage storage);
    Hdf5File(const Hdf5File&) = delete;
    Hdf5File& operator=(const Hdf5File&) = delete;
    /// What HDF5 cannot close, as files made to mislead bring about, it looks at again when the program ends: then the
    /// storage stays until that end.
    ~Hdf5File();

    hid_t get() const { return file_; }
    bool valid() const { return file_ >= 0; }  ///< not when HDF5 cannot read it
    const Hdf5Storage& storage() const { return *storage_; }
    /// Writes what is left. Throws RunError when HDF5 fails.
    void close();

  private:
    std::unique_ptr<Hdf5Storage> storage_;
    hid_t file_ = -1;
};

}  // namespace spikelens

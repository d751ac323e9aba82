#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>

#include <hdf5.h>

#include "spikelens/core/error.h"

namespace spikelens {

/// An HDF5 identifier. The destructor closes it, for readers and when something has failed; writers call close().
class Hdf5Handle {
  public:
    using Close = herr_t (*)(hid_t);

    Hdf5Handle(hid_t id, Close function) : id_(id), close_(function) {}
    Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
    Hdf5Handle& operator=(Hdf5Handle&&) = delete;
    ~Hdf5Handle() {
        if (id_ >= 0) close_(id_);
    }

    hid_t get() const { return id_; }
    bool valid() const { return id_ >= 0; }
    /// Throws RunError when HDF5 cannot close it, and so may not have written all of it.
    void close() {
        if (id_ >= 0 && close_(std::exchange(id_, -1)) < 0) throw RunError("HDF5 cannot write");
    }

  private:
    hid_t id_;
    Close close_;
};

/// Closes them in this order. Throws RunError when one cannot be closed.
template <class... Handles>
void close_all(Handles&... handles) {
    (handles.close(), ...);
}

/// The identifier that a call of HDF5 made. Throws RunError when it made none; for writing, where input is never at
/// fault.
inline Hdf5Handle made(hid_t id, Hdf5Handle::Close close_function) {
    if (id < 0) throw RunError("HDF5 cannot write");
    return {id, close_function};
}

/// Throws RunError when a call that writes has failed.
inline void require_written(herr_t status) {
    if (status < 0) throw RunError("HDF5 cannot write");
}

/// Properties of this kind for objects without times: equal contents give equal bytes.
Hdf5Handle untimed(hid_t kind);

/// The bytes of an HDF5 file with what `fill` writes into it, as HDF5 would have written them to a disk. The first
/// `user_block` bytes (0, or a power of 2 from 512 on) are zeros, for the caller. Throws RunError when HDF5 fails.
std::string hdf5_image(size_t user_block, const std::function<void(hid_t file)>& fill);

/// A caller's turn with HDF5, which as Debian builds it is not safe for threads. It prints its errors; while this lives
/// it does not. What was set before is restored.
class Hdf5Turn {
  public:
    Hdf5Turn() {
        H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
        H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
    }
    Hdf5Turn(const Hdf5Turn&) = delete;
    Hdf5Turn& operator=(const Hdf5Turn&) = delete;
    ~Hdf5Turn() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }

  private:
    static std::mutex& mutex();

    std::lock_guard<std::mutex> turn_{mutex()};
    H5E_auto2_t function_ = nullptr;
    void* data_ = nullptr;
};

}  // namespace spikelens

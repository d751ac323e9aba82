#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "spikelens/core/error.h"

namespace spikelens {

/// The first bytes as a whole number; there must be enough of them.
template <std::integral T>
T load_little(const uint8_t* bytes) {
    std::make_unsigned_t<T> value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<std::make_unsigned_t<T>>(uint64_t{bytes[i]} << 8 * i);
    return static_cast<T>(value);
}
template <std::integral T>
T load_big(const uint8_t* bytes) {
    std::make_unsigned_t<T> value = 0;
    for (size_t i = 0; i < sizeof(T); ++i)
        value |= static_cast<std::make_unsigned_t<T>>(uint64_t{bytes[i]} << 8 * (sizeof(T) - 1 - i));
    return static_cast<T>(value);
}

/// Reads bytes forward and never beyond their end: what is not there is an InputError that names the file and the
/// offset.
class ByteCursor {
  public:
    ByteCursor(std::span<const uint8_t> bytes, std::string file, size_t offset = 0)
        : bytes_(bytes), file_(std::move(file)), offset_(offset) {
        if (offset > bytes.size()) fail("it ends before byte " + std::to_string(offset));
    }

    size_t offset() const { return offset_; }
    size_t left() const { return bytes_.size() - offset_; }

    /// The next bytes; `what` is what the message misses when there are not so many.
    std::span<const uint8_t> take(size_t count, const char* what) {
        if (count > left())
            fail("it is truncated: " + std::to_string(left()) + " of the " + std::to_string(count) + " bytes of " +
                 what + " are there");
        offset_ += count;
        return bytes_.subspan(offset_ - count, count);
    }
    template <std::integral T>
    T little(const char* what) {
        return load_little<T>(take(sizeof(T), what).data());
    }

    [[noreturn]] void fail(const std::string& reason) const {
        throw InputError(file_ + ", byte " + std::to_string(offset_) + ": " + reason);
    }

  private:
    std::span<const uint8_t> bytes_;
    std::string file_;
    size_t offset_;
};

}  // namespace spikelens

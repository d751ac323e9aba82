#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "byte_cursor.h"

namespace spikelens {

/// One table of a FlatBuffer. Every offset is checked before it is followed; one that leads outside the buffer is an
/// InputError that begins with `what`.
class FlatTable {
  public:
    /// The root table of a buffer (without the size before it).
    FlatTable(std::span<const uint8_t> buffer, std::string what);

    template <std::integral T>
    T number(int slot, T otherwise) const {
        const auto at = field(slot, sizeof(T));
        return at ? load_little<T>(buffer_.data() + *at) : otherwise;
    }
    /// Empty when the field is not there.
    std::string_view text(int slot) const;
    /// The elements of a vector of structs, one after the other.
    std::span<const uint8_t> structs(int slot, size_t struct_bytes) const;

  private:
    /// Where in the buffer a field of so many bytes lies.
    std::optional<size_t> field(int slot, size_t bytes) const;
    void require(size_t at, size_t bytes) const;
    std::span<const uint8_t> vector(int slot, size_t element_bytes) const;

    std::span<const uint8_t> buffer_;
    std::string what_;
    size_t table_ = 0, layout_ = 0;
    size_t layout_bytes_ = 0, table_bytes_ = 0;
};

}  // namespace spikelens

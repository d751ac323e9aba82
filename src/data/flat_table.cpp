#include "flat_table.h"

#include "spikelens/core/error.h"

namespace spikelens {

FlatTable::FlatTable(std::span<const uint8_t> buffer, std::string what) : buffer_(buffer), what_(std::move(what)) {
    require(0, 4);
    table_ = load_little<uint32_t>(buffer_.data());
    require(table_, 4);
    const int64_t layout = static_cast<int64_t>(table_) - load_little<int32_t>(buffer_.data() + table_);
    layout_ = layout < 0 ? buffer_.size() : static_cast<size_t>(layout);
    require(layout_, 4);
    layout_bytes_ = load_little<uint16_t>(buffer_.data() + layout_);
    table_bytes_ = load_little<uint16_t>(buffer_.data() + layout_ + 2);
    require(layout_, layout_bytes_);
    require(table_, table_bytes_);
}

std::string_view FlatTable::text(int slot) const {
    const auto letters = vector(slot, 1);
    return {reinterpret_cast<const char*>(letters.data()), letters.size()};
}

std::span<const uint8_t> FlatTable::structs(int slot, size_t struct_bytes) const { return vector(slot, struct_bytes); }

std::optional<size_t> FlatTable::field(int slot, size_t bytes) const {
    const size_t entry = 4 + 2 * static_cast<size_t>(slot);
    if (entry + 2 > layout_bytes_) return std::nullopt;
    const size_t offset = load_little<uint16_t>(buffer_.data() + layout_ + entry);
    if (offset == 0) return std::nullopt;
    if (offset + bytes > table_bytes_) throw InputError(what_ + " is damaged: a field lies outside its table");
    return table_ + offset;
}

void FlatTable::require(size_t at, size_t bytes) const {
    if (at > buffer_.size() || bytes > buffer_.size() - at)
        throw InputError(what_ + " is damaged: " + std::to_string(bytes) + " bytes at " + std::to_string(at) +
                         " lie outside its " + std::to_string(buffer_.size()));
}

std::span<const uint8_t> FlatTable::vector(int slot, size_t element_bytes) const {
    const auto at = field(slot, 4);
    if (!at) return {};
    const size_t start = *at + load_little<uint32_t>(buffer_.data() + *at);
    require(start, 4);
    const size_t bytes = load_little<uint32_t>(buffer_.data() + start) * element_bytes;
    require(start + 4, bytes);
    return buffer_.subspan(start + 4, bytes);
}

}  // namespace spikelens

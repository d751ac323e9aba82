#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace spikelens {

/// Reads a pickle's bytes from the front. What is not there, and all else that is wrong, is an InputError that names
/// the byte.
class PickleBytes {
  public:
    PickleBytes(std::span<const uint8_t> bytes, const std::string& where) : bytes_(bytes), where_(where) {}

    uint64_t position() const { return position_; }
    uint64_t left() const { return bytes_.size() - position_; }

    std::string_view take(uint64_t count);
    /// Up to a newline, which is taken too.
    std::string_view line();
    uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }
    /// Little-endian, of 1 to 8 bytes.
    uint64_t word(int width);
    /// A big-endian double, as pickles have it.
    double number();

    [[noreturn]] void fail(const std::string& what) const;

  private:
    std::span<const uint8_t> bytes_;
    const std::string& where_;
    uint64_t position_ = 0;
};

}  // namespace spikelens

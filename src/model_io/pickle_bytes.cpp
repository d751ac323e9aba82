#include "pickle_bytes.h"

#include <bit>

#include <fmt/format.h>

#include "spikelens/core/error.h"

namespace spikelens {

std::string_view PickleBytes::take(uint64_t count) {
    if (count > left()) fail("it is truncated");
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()) + position_, count);
    position_ += count;
    return taken;
}

std::string_view PickleBytes::line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_, left());
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) fail("it is truncated");
    position_ += end + 1;
    return rest.substr(0, end);
}

uint64_t PickleBytes::word(int width) {
    uint64_t value = 0;
    int shift = 0;
    for (const char byte : take(static_cast<uint64_t>(width))) {
        value |= uint64_t{static_cast<uint8_t>(byte)} << shift;
        shift += 8;
    }
    return value;
}

double PickleBytes::number() {
    uint64_t bits = 0;
    for (const char byte : take(8)) bits = bits << 8 | static_cast<uint8_t>(byte);
    return std::bit_cast<double>(bits);
}

void PickleBytes::fail(const std::string& what) const {
    throw InputError(fmt::format("{}: broken pickle at byte {}: {}", where_, position_, what));
}

}  // namespace spikelens

#include <bit>
#include <cmath>

#include "spikelens/core/error.h"

#include "byte_cursor.h"
#include "npy.h"

namespace spikelens {
namespace {

template <class T>
T load(const uint8_t* bytes, bool big_endian) {
    return big_endian ? load_big<T>(bytes) : load_little<T>(bytes);
}

double half(uint16_t bits) {
    const int exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
    const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
    if (exponent == 0x1f) return fraction != 0 ? std::nan("") : sign * HUGE_VAL;
    return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25));
}

double floating(const uint8_t* bytes, const NpyType& type) {
    if (type.bytes == 2) return half(load<uint16_t>(bytes, type.big_endian));
    if (type.bytes == 4) return std::bit_cast<float>(load<uint32_t>(bytes, type.big_endian));
    return std::bit_cast<double>(load<uint64_t>(bytes, type.big_endian));
}

int64_t signed_whole(const uint8_t* bytes, const NpyType& type) {
    switch (type.bytes) {
        case 1:
            return load<int8_t>(bytes, type.big_endian);
        case 2:
            return load<int16_t>(bytes, type.big_endian);
        case 4:
            return load<int32_t>(bytes, type.big_endian);
        default:
            return load<int64_t>(bytes, type.big_endian);
    }
}

uint64_t unsigned_whole(const uint8_t* bytes, const NpyType& type) {
    switch (type.bytes) {
        case 1:
            return bytes[0];
        case 2:
            return load<uint16_t>(bytes, type.big_endian);
        case 4:
            return load<uint32_t>(bytes, type.big_endian);
        default:
            return load<uint64_t>(bytes, type.big_endian);
    }
}

constexpr int64_t kMost = int64_t{1} << 61;

}  // namespace

int64_t npy_whole_number(const uint8_t* bytes, const NpyType& type, const std::string& what) {
    const auto refuse = [&](const std::string& value) -> InputError {
        return InputError(what + " holds " + value + ", expected a whole number within 2^61");
    };
    if (type.kind == 'f') {
        const double value = floating(bytes, type);
        if (!(std::abs(value) <= static_cast<double>(kMost)) || value != std::floor(value))
            throw refuse(std::to_string(value));
        return static_cast<int64_t>(value);
    }
    if (type.kind == 'i') {
        const int64_t value = signed_whole(bytes, type);
        if (value > kMost || value < -kMost) throw refuse(std::to_string(value));
        return value;
    }
    const uint64_t value = unsigned_whole(bytes, type);
    if (value > static_cast<uint64_t>(kMost)) throw refuse(std::to_string(value));
    return static_cast<int64_t>(value);
}

}  // namespace spikelens

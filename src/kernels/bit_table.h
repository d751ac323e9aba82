#pragma once

#include <array>
#include <cstdint>
#include <cstring>

// Listing set bits eight at a time without branches, for instruction sets that cannot compress.
namespace spikelens::kernels {
namespace {

constexpr auto kSetBits = [] {
    std::array<std::array<uint8_t, 8>, 256> table{};
    for (int byte = 0; byte < 256; ++byte)
        for (int bit = 0, n = 0; bit < 8; ++bit)
            if ((byte >> bit) & 1) table[byte][n++] = static_cast<uint8_t>(bit);
    return table;
}();

/// Writes first + stride · c for each set bit c; up to 7 entries beyond the end are overwritten.
inline uint32_t* list_bits_by_table(uint64_t word, uint32_t first, uint32_t stride, int bits, uint32_t* out) {
    for (int bit = 0; bit < bits; bit += 8) {
        const auto byte = static_cast<uint8_t>(word >> bit);
        const auto& positions = kSetBits[byte];
        for (int i = 0; i < 8; ++i) out[i] = first + stride * (positions[i] + static_cast<uint32_t>(bit));
        out += __builtin_popcount(byte);
    }
    return out;
}

}  // namespace
}  // namespace spikelens::kernels

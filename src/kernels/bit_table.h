#pragma once

#include <array>
#include <cstdint>
#include <cstring>

// Listing set bits eight at a time without branches, for instruction sets that cannot compress.
namespace spikelens::kernels {
namespace {

inline constexpr auto kSetBits = [] {
    std::array<std::array<uint8_t, 8>, 256> table{};
    for (int byte = 0; byte < 256; ++byte)
        for (int bit = 0, n = 0; bit < 8; ++bit)
            if ((byte >> bit) & 1) table[byte][n++] = static_cast<uint8_t>(bit);
    return table;
}();

/// Lists first_row + stride · c for each set bit c; up to 7 entries beyond the end are overwritten.
struct RowsOfBitsByTable {
    explicit RowsOfBitsByTable(uint32_t row_stride) : stride(row_stride) {}

    uint32_t* list(uint64_t word, uint32_t first_row, int bits, uint32_t* out) const {
        for (; bits > 0; bits -= 8, word >>= 8, first_row += 8 * stride) {
            const auto byte = static_cast<uint8_t>(word);
            const auto& positions = kSetBits[byte];
            for (int i = 0; i < 8; ++i) out[i] = first_row + stride * positions[i];
            out += __builtin_popcount(byte);
        }
        return out;
    }

    uint32_t stride;
};

}  // namespace
}  // namespace spikelens::kernels

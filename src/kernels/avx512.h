#pragma once

#include <cstdint>

#include <immintrin.h>

namespace spikelens::kernels {
namespace {

struct Avx512 {
    static constexpr int kBytes = 64;
    static constexpr int kRegisters = 4;
    using Ints = int32_t __attribute__((vector_size(kBytes)));
    using Floats = float __attribute__((vector_size(kBytes)));
    using Doubles = double __attribute__((vector_size(kBytes)));
    using Counts = uint16_t __attribute__((vector_size(kBytes / 2)));
    static unsigned bits(Ints spiked) { return _mm512_movepi32_mask(reinterpret_cast<__m512i>(spiked)); }
    static unsigned above(Floats values, float limit) {
        return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(values), _mm512_set1_ps(limit), _CMP_GT_OQ);
    }
    static unsigned not_zero(Floats values) {
        return _mm512_cmp_ps_mask(reinterpret_cast<__m512>(values), _mm512_setzero_ps(), _CMP_NEQ_UQ);
    }
    /// Lists first_row + stride · c for each set bit c; up to 15 entries beyond the end are overwritten.
    struct RowsOfBits {
        explicit RowsOfBits(uint32_t stride)
            : rows_(_mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                       _mm512_set1_epi32(static_cast<int>(stride)))),
              next_(_mm512_set1_epi32(static_cast<int>(16 * stride))) {}

        uint32_t* list(uint64_t word, uint32_t first_row, int bits, uint32_t* out) const {
            __m512i rows = _mm512_add_epi32(rows_, _mm512_set1_epi32(static_cast<int>(first_row)));
            for (; bits > 0; bits -= 16, word >>= 16) {
                const auto mask = static_cast<__mmask16>(word);
                _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(mask, rows));
                out += __builtin_popcount(mask);
                rows = _mm512_add_epi32(rows, next_);
            }
            return out;
        }

      private:
        __m512i rows_, next_;
    };
};

}  // namespace
}  // namespace spikelens::kernels

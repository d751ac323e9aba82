#if defined(__x86_64__)
#include <immintrin.h>

#include "bit_table.h"
#include "kernel_sets.h"
#include "product_sums.h"
#include "spread.h"
#include "vector_kernel.h"

namespace spikelens::kernels {
namespace {

struct Avx2 {
    static constexpr int kBytes = 32;
    static constexpr int kRegisters = 4;
    using Ints = int32_t __attribute__((vector_size(kBytes)));
    using Floats = float __attribute__((vector_size(kBytes)));
    using Doubles = double __attribute__((vector_size(kBytes)));
    using Counts = uint16_t __attribute__((vector_size(kBytes / 2)));
    static unsigned bits(Ints spiked) {
        return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(spiked)));
    }
    static unsigned above(Floats values, float limit) { return bits(values > limit); }
    static unsigned not_zero(Floats values) { return bits(values != 0.0F); }
    using RowsOfBits = RowsOfBitsByTable;
};

}  // namespace

const KernelSet avx2_kernels = {"avx2",
                                VectorKernel<Avx2>::layer,
                                VectorKernel<Avx2>::change,
                                VectorKernel<Avx2>::readout,
                                VectorKernel<Avx2>::real_currents,
                                ProductSums<Avx2>::tile,
                                VectorSpread<Avx2>::spread,
                                kNoSlices};

}  // namespace spikelens::kernels
#endif

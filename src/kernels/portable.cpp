// 16-byte vectors, which every 64-bit CPU has.
#include "bit_table.h"
#include "kernel_sets.h"
#include "product_sums.h"
#include "spread.h"
#include "vector_kernel.h"

namespace spikelens::kernels {
namespace {

struct Portable {
    static constexpr int kBytes = 16;
    static constexpr int kRegisters = 4;
    using Ints = int32_t __attribute__((vector_size(kBytes)));
    using Floats = float __attribute__((vector_size(kBytes)));
    using Doubles = double __attribute__((vector_size(kBytes)));
    using Counts = uint16_t __attribute__((vector_size(kBytes / 2)));
    static unsigned bits(Ints spiked) {
        unsigned bits = 0;
        for (int lane = 0; lane < 4; ++lane) bits |= static_cast<unsigned>(spiked[lane] & 1) << lane;
        return bits;
    }
    static unsigned above(Floats values, float limit) { return bits(values > limit); }
    static unsigned not_zero(Floats values) { return bits(values != 0.0F); }
    using RowsOfBits = RowsOfBitsByTable;
};

}  // namespace

const KernelSet portable_kernels = {"portable",
                                    VectorKernel<Portable>::layer,
                                    VectorKernel<Portable>::change,
                                    VectorKernel<Portable>::readout,
                                    VectorKernel<Portable>::real_currents,
                                    ProductSums<Portable>::tile,
                                    VectorSpread<Portable>::spread,
                                    kNoSlices};

}  // namespace spikelens::kernels

// 16-byte vectors, which every 64-bit CPU has.
#include "bit_table.h"
#include "kernel_sets.h"
#include "vector_kernel.h"

namespace spikelens::kernels {
namespace {

struct Portable {
    static constexpr int kBytes = 16;
    static constexpr int kRegisters = 4;
    using Ints = int32_t __attribute__((vector_size(kBytes)));
    using Floats = float __attribute__((vector_size(kBytes)));
    static unsigned bits(Ints spiked) {
        unsigned bits = 0;
        for (int lane = 0; lane < 4; ++lane) bits |= static_cast<unsigned>(spiked[lane] & 1) << lane;
        return bits;
    }
    static uint32_t* list_bits(uint64_t word, uint32_t first, uint32_t stride, int bits, uint32_t* out) {
        return list_bits_by_table(word, first, stride, bits, out);
    }
};

}  // namespace

const KernelSet portable_kernels = {"portable", VectorKernel<Portable>::layer, VectorKernel<Portable>::readout,
                                    VectorKernel<Portable>::real_currents};

}  // namespace spikelens::kernels

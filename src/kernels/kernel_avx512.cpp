#if defined(__x86_64__)
#include <immintrin.h>

#include "kernel_sets.h"
#include "vector_kernel.h"

namespace spikelens::kernels {
namespace {

struct Avx512 {
    static constexpr int kBytes = 64;
    static constexpr int kRegisters = 4;
    using Ints = int32_t __attribute__((vector_size(kBytes)));
    using Floats = float __attribute__((vector_size(kBytes)));
    static unsigned bits(Ints spiked) { return _mm512_movepi32_mask(reinterpret_cast<__m512i>(spiked)); }
};

}  // namespace

const KernelSet avx512_kernels = {"avx512", VectorKernel<Avx512>::layer, VectorKernel<Avx512>::readout,
                                  VectorKernel<Avx512>::real_currents};

}  // namespace spikelens::kernels
#endif

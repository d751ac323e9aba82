#if defined(__x86_64__)
#include "avx512.h"
#include "kernel_sets.h"
#include "product_sums.h"
#include "spread.h"
#include "vector_kernel.h"

namespace spikelens::kernels {

const KernelSet avx512_kernels = {"avx512",
                                  VectorKernel<Avx512>::layer,
                                  VectorKernel<Avx512>::change,
                                  VectorKernel<Avx512>::readout,
                                  VectorKernel<Avx512>::real_currents,
                                  ProductSums<Avx512>::tile,
                                  VectorSpread<Avx512>::spread,
                                  kNoSlices};

}  // namespace spikelens::kernels
#endif

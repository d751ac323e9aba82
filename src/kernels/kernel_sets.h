#pragma once

#include "spikelens/kernels/layer_plan.h"

// The sets that exist; each is defined by the file of its name.
namespace spikelens::kernels {

extern const KernelSet scalar_kernels;
extern const KernelSet portable_kernels;
#if defined(__x86_64__)
extern const KernelSet avx2_kernels;
extern const KernelSet avx512_kernels;
#endif

}  // namespace spikelens::kernels

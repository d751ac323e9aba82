#pragma once

#include "layer_plan.h"

// The sets that exist; each is defined by the file of its name.
namespace spikelens::kernels {

extern const KernelSet scalar_kernels;
extern const KernelSet portable_kernels;
#if defined(__x86_64__)
extern const KernelSet avx2_kernels;
extern const KernelSet avx512_kernels;
extern const KernelSet amx_kernels;

/// Asks the operating system for AMX's registers, once for all threads of the process; whether it grants them. Linux
/// asks to be asked (Documentation/arch/x86/xstate.rst), because they enlarge what is saved when a thread is set aside.
bool may_use_tiles();
#endif

}  // namespace spikelens::kernels

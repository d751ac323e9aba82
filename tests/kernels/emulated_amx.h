#pragma once

#include <vector>

#include "kernels/layer_plan.h"

namespace spikelens {

/// Lets the AMX kernels run where the CPU has no AMX: their instructions trap, and a signal handler does what Intel's
/// manual says of them (Software Developer's Manual, volume 2, TILELOADD, TDPBUSD, …) to registers of its own, refusing
/// what the CPU would refuse. Slow (some microseconds an instruction), and the kernels' own machine code. Where the CPU
/// has AMX, nothing.
class EmulatedAmx {
  public:
    EmulatedAmx();
    ~EmulatedAmx();
    EmulatedAmx(const EmulatedAmx&) = delete;
    EmulatedAmx& operator=(const EmulatedAmx&) = delete;
};

/// Whether the rest of the AMX kernels' instructions are there: AVX-512.
bool can_emulate_amx();

/// All sets that this CPU can run; and, while an EmulatedAmx lives, AMX.
std::vector<const kernels::KernelSet*> sets_to_test();

}  // namespace spikelens

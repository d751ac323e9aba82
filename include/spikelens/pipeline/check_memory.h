#pragma once

#include <cstdint>

#include "spikelens/core/samples.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {

/// Throws InputError, before anything is computed, where the memory allowed does not suffice for one of these samples.
void check_memory(const Simulator& simulator, const SampleSource& samples);

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/kernels/layer_plan.h"

namespace spikelens::kernels {

/// The kernels this CPU can run, slowest first: scalar, portable, avx2, avx512.
std::vector<std::string> supported_kernels();

/// The set of this name; empty: the environment's SPIKELENS_KERNEL, else the fastest supported.
/// Throws InputError for a name that is unknown or that this CPU cannot run. The one place that chooses.
const KernelSet& choose_kernels(std::string_view name = {});

/// About the most that lists of this layer's spikes take, of one thread.
int64_t list_bytes(const LayerPlan& plan, int steps, int planes);

/// What costs least for input of this density, the share of its bits that are set.
Listing choose_listing(const LayerPlan& plan, int planes, double density);

}  // namespace spikelens::kernels

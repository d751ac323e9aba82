#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "layer_plan.h"

namespace spikelens::kernels {

/// The kernels this CPU can run, slowest first: scalar, portable, avx2, avx512, amx.
std::vector<std::string> supported_kernels();

/// The set of this name; empty: the environment's SPIKELENS_KERNEL, else the fastest supported.
/// Throws InputError for a name that is unknown or that this machine cannot run. The one place that chooses.
const KernelSet& choose_kernels(std::string_view name = {});

/// The least density of a layer's input from which on this set multiplies int8 slices of its weights; above 1: it never
/// does.
double least_slice_density(const KernelSet& set, const LayerPlan& plan, int steps, int planes);

/// About the most that lists of this layer's spikes take, or bytes and sums of a part of it, of one thread.
int64_t sum_bytes(const KernelSet& set, const LayerPlan& plan, int steps, int planes);

/// How spikes are listed under each output by itself, for input of this density.
Listing listing_by_pixel(const LayerPlan& plan, double density);

/// What costs this set least for input of this density, the share of its bits that are set, of samples taken together.
Listing choose_listing(const KernelSet& set, const LayerPlan& plan, int steps, int planes, double density,
                       int samples = 1);

}  // namespace spikelens::kernels

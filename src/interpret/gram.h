#pragma once

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"

namespace spikelens {

/// G += XᵀX for a batch X [N, m] of non-negative responses, G [m, m].
///
/// Every element is summed in sample order, and the product of two floats is exact in double, so the result is the same to
/// the bit however the samples are cut into batches, for any thread count and with or without fused multiply-add.
/// Samples where a filter is silent are skipped. Cost: O(N·m²/2); `threads` 0: all cores.
/// Throws InputError when the shapes do not match.
void add_gram(DoubleArray& gram, const FloatArray& responses, const Execution& execution = {});

}  // namespace spikelens

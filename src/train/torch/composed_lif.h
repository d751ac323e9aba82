#pragma once

#include <ATen/core/Tensor.h>

#include "snn/lif.h"

namespace spikelens {

/// lif_forward() and lif_backward() in LibTorch's own operations: for tensors on any device, and slower on the CPU.
/// Spikes have the same bits, gradients differ by rounding. All potentials of the layer are in memory at once.

/// Spikes [steps·planes, pooled height, pooled width] of `current`, whose elements are those of lif_forward().
at::Tensor composed_lif_forward(const LifPlanes& layer, const at::Tensor& current);

/// The current's gradient, in the shape of `current`.
at::Tensor composed_lif_backward(const LifPlanes& layer, const at::Tensor& current, const at::Tensor& spikes_gradient);

}  // namespace spikelens

#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "spikelens/snn/network.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// Stochastic gradient descent with momentum, as in PyTorch: g += decay·w; v = m·v + g; w −= lr·v. Works in place on
/// the memory of the network and of the state's momentum, which must outlive it.
class Sgd {
  public:
    /// Momentum that is empty starts as zero (so the first step has v = g). Throws InputError when it does not fit the
    /// network.
    Sgd(Network& network, const TrainOptions& options, TrainState& state);

    /// One step at this rate along these gradients, one per parameter: weight, bias of each layer in order. Parameters
    /// whose gradient is undefined stay as they are.
    void step(std::vector<at::Tensor>& gradients, double rate);

  private:
    void clip(std::vector<at::Tensor>& gradients) const;

    const TrainOptions& options_;
    std::vector<at::Tensor> parameters_, momentum_;
};

}  // namespace spikelens

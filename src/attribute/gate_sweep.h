#pragma once

#include <span>
#include <vector>

#include "spikelens/snn/simulate.h"

#include "linear_map.h"

namespace spikelens {

/// The network as the chain of linear maps it was for one image (METHODS: gate attribution). A neuron that turned a total
/// drive D = Σ_t I[t] into n spikes acted as the gain m = clip(n/D, 0, 1), 0 where silent; a max-pool passed each of its
/// neurons by r = P / Σ_window n. D needs no recording: it is linear in the pooled counts before, D_l = s·(W·P_{l−1} + T·b),
/// in the first layer s·T·(W·x + b), with s the neuron's gain (times 1 − β under decay_input).
class GateSweep {
  public:
    /// Refers to the network, which must outlive it.
    explicit GateSweep(const Network& network);

    /// What a recording must hold for input_gain.
    RecordRequest request() const;

    /// g_x [C·H·W]: how much of the score of class `target` each unit of the image brought. One sweep of linear maps.
    std::vector<float> input_gain(std::span<const float> image, const Recording& recording, int64_t n, int target) const;

  private:
    std::vector<float> gates(size_t index, std::span<const float> image, const Recording& recording, int64_t n) const;
    std::vector<float> unpool(size_t index, std::span<const float> gain, const Recording& recording, int64_t n) const;

    const Network& network_;
    std::vector<LinearMap> maps_;
};

}  // namespace spikelens

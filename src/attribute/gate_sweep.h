#pragma once

#include <functional>
#include <span>
#include <vector>

#include "spikelens/snn/engine.h"

#include "linear_map.h"

namespace spikelens {

/// What one sample brought into the network.
struct SweepInput {
    std::span<const float> values;  ///< [C·H·W]: the image, or the number of spikes over all steps
    int64_t steps = 0;              ///< T of the simulation
    bool constant = false;          ///< an image: these values at every step
};

/// The network as the chain of linear maps it was for one sample (docs/methods.md: gate). A neuron that turned a total
/// drive D = Σ_t I[t] into n spikes acted as the gain m = clip(n/D, 0, 1), 0 where silent; a max-pool passed each of its
/// neurons by r = P / Σ_window n. D needs no recording: it is linear in the pooled counts before, D_l = s·(W·P_{l−1} + T·b),
/// in the first layer s·(W·Σ_t x[t] + T·b), of an image s·T·(W·x + b), with s the neuron's gain (times 1 − β under
/// decay_input).
///
/// Two approximations, exact only for long runs. A synapse that keeps its current (alpha > 0) multiplies s by
/// Σ_k α^k = 1/(1 − α): all that a spike will ever bring, as if none of it came after the last step. A leaking readout weighs
/// a spike by the mean of β^(T−1−t) over the steps, whenever it came.
class GateSweep {
  public:
    /// Refers to the network, which must outlive it.
    explicit GateSweep(const Network& network);

    /// What a recording must hold for input_gain.
    RecordRequest request() const;

    /// How much of the score one spike of each neuron [C·H·W] of a layer brought, before the layer's pool.
    using Visit = std::function<void(int layer, std::span<const float> gain)>;

    /// g_x [C·H·W]: how much of the score of class `target` each unit of the input brought; a unit of an image comes at every
    /// step. One sweep of linear maps; `visit` sees every layer with a neuron, from the last to the first.
    std::vector<float> input_gain(const SweepInput& input, const Recording& recording, int64_t n, int target,
                                  const Visit& visit = {}) const;

  private:
    float readout_share(int64_t steps) const;
    std::vector<float> gates(size_t index, const SweepInput& input, const Recording& recording, int64_t n) const;
    std::vector<float> unpool(size_t index, std::span<const float> gain, const Recording& recording, int64_t n) const;

    const Network& network_;
    std::vector<LinearMap> maps_;
};

}  // namespace spikelens

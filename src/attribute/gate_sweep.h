#pragma once

#include <functional>
#include <span>
#include <vector>

#include "spikelens/snn/engine.h"

#include "backflow.h"

namespace spikelens {

/// The network as the linear maps it was for one sample (docs/methods.md: gate). A neuron that turned a total drive D =
/// Σ_t I[t] into n spikes acted as the gain m = clip(n/D, 0, 1), 0 where silent; a max-pool passed each of its neurons
/// by r = P / Σ_window n. D needs no recording: it is linear in the pooled counts before, D_l = s·(W·P_{l−1} + T·b), in
/// the first layer s·(W·Σ_t x[t] + T·b), of an image s·T·(W·x + b), with s the neuron's gain (times 1 − β under
/// decay_input). Sums, concatenations and layers without neurons are linear already. Of what is not, the inputs of
/// `and` passed their part of its spikes each by (what it sent) / (k·n_i), the first of `iand` by (what it sent) / n; a
/// max-pool of currents passed each place by the share of the steps in which it was the first maximum.
///
/// Two approximations, exact only for long runs. A synapse that keeps its current (alpha > 0) multiplies s by
/// Σ_k α^k = 1/(1 − α): all that a spike will ever bring, as if none of it came after the last step. A leaking readout
/// weighs a spike by the mean of β^(T−1−t) over the steps, whenever it came.
class GateSweep {
  public:
    /// Refers to the network, which must outlive it. Throws InputError for one with recurrent layers, as a gain over
    /// all steps does not say which step fed which, and for one that normalises each step by itself.
    explicit GateSweep(const Network& network);

    /// What a recording must hold for input_gain.
    RecordRequest request() const;

    /// How much of the score one spike of each neuron [C·H·W] of a layer brought, before the layer's pool.
    using Visit = std::function<void(int layer, std::span<const float> gain)>;

    /// g_x [C·H·W]: how much of the score of class `target` each unit of the input brought to sample n; a unit of an
    /// image comes at every step. One sweep of linear maps; `visit` sees every layer with a neuron, from the last to
    /// the first.
    std::vector<float> input_gain(const Input& input, const Recording& recording, int64_t n, int target,
                                  const Visit& visit = {}) const;

  private:
    float readout_share(int64_t steps) const;

    const Network& network_;
    LinearMaps maps_;
    std::vector<bool> numbers_;
    bool by_steps_ = false;  ///< whether a layer without neuron is not linear, so that single steps must be known
};

}  // namespace spikelens

#pragma once

#include <functional>
#include <span>
#include <vector>

#include "spikelens/snn/simulate.h"

#include "backflow.h"
#include "share_plan.h"

namespace spikelens {

/// Membrane share: who paid for the score (docs/methods.md). A spike is paid for by the potential that reached the
/// threshold, the part that survives its reset pays for later spikes, and credit goes to the currents in proportion.
/// From the last step down, with U the potential compared with θ, S the spike and g its adjoint:
///     spike   λ[t] = g[t]/U[t] + κ·λ[t+1]     κ: subtract β(1 − θ/U), delayed β − θ/U, zero 0, none β
///     silent  λ[t] = β·λ[t+1]
///     soft    λ[t] = p·g[t]/θ + β(1 − p)·λ[t+1] where silent, p = 0.3/(1 + (π(U/θ − 1))²)
/// The adjoint of the current is λ times the neuron's gain (a synapse that keeps its current passes λ on to earlier
/// steps), then Wᵀ, which is also how a recurrent layer's spikes one step earlier get theirs. A sum hands its own to
/// all its inputs, a concatenation to each its channels; `and` splits among its inputs where all spike, `iand` gives to
/// the first alone. Sum and average pools copy and divide; a max-pool splits among the largest of its window, of
/// numbers of spikes if there are any. What the membrane and the synapse of a layer carry back over time is carried
/// back behind its weights where that is the same, so that only spikes go through them. Exact without `soft`: Σ
/// input·share + bias = Σ_c start_c·score_c, since at a spike λU = g + κUλ[t+1].
class ShareSweep {
  public:
    /// Refers to the network, which must outlive it.
    explicit ShareSweep(const Network& network, bool soft = false);

    struct Result {
        /// What a unit of the input brought: [T·C·H·W] of spikes; of an image, whose units come at every step, [C·H·W].
        std::vector<float> share;
        /// What biases brought, and resets to a value other than 0.
        double bias = 0;
    };

    /// What a layer with a neuron was found to have brought.
    struct LayerShares {
        int layer = 0;
        std::span<const float> share;     ///< of one spike of each neuron [T·C·H·W], before the layer's pool
        std::span<const uint8_t> spikes;  ///< [T·C·H·W]
        double above = 0;                 ///< by the biases and resets of the layers after it
    };
    /// Of every layer with a neuron, from the last to the first. What its own recurrence brought it is not in `share`.
    /// Where no branch passes a layer by, Σ spikes·share + above is the score that is shared out.
    using Visit = std::function<void(const LayerShares& shares)>;

    /// One sample on its way down, from the last layer. Cost: a transposed linear map a layer and step, of the spikes
    /// alone unless `soft`.
    class Walk {
      public:
        /// Of sample n. start [classes]: how much of each score is shared out. Refers to the sweep and the input.
        /// execution.threads take steps of a layer side by side.
        Walk(const ShareSweep& sweep, const Input& input, int64_t n, std::span<const float> start, Execution execution,
             Visit visit = {});

        /// Through the layers of the next part of a plan, with the recording that it asks for.
        void down(const SharePart& part, const Recording& recording);
        /// Of the whole sample, once it has gone through all layers.
        Result result();

      private:
        class Step;
        /// What is carried from each step to the one before, behind the weights.
        struct Carried {
            float membrane = 0, synapse = 0;
        };
        using ValuesOfStep = std::function<std::vector<float>(int64_t step)>;

        std::vector<float> of_readout(std::span<const float> start) const;
        void through(int layer, const Recording& recording, LayerValues& values);
        std::vector<float> unpool(const Layer& layer, std::span<const float> pooled) const;
        std::vector<float> unpool_max(int layer, std::span<const float> pooled, const ValuesOfStep& values) const;
        Carried to_currents(int layer, std::span<float> share, std::span<const uint8_t> spikes,
                            std::span<const float> potentials);
        void through_weights(int layer, std::span<const float> currents, Carried carried);
        void for_each_step(const std::function<void(int64_t step)>& body) const;

        const ShareSweep& sweep_;
        const Network& network_;
        const Input& input_;
        int64_t n_, steps_;
        bool constant_;
        Execution execution_;
        Visit visit_;
        Backflow back_;
        int next_;  ///< layer above those that it has gone through
        Result result_;
    };

  private:
    const Network& network_;
    bool soft_;
    LinearMaps maps_;
    std::vector<bool> numbers_;
};

}  // namespace spikelens

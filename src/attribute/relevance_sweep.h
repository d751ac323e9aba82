#pragma once

#include <functional>
#include <span>
#include <vector>

#include "spikelens/snn/engine.h"

#include "alpha_beta.h"

namespace spikelens {

/// Relevance propagation through a spiking network (SLRP and SLTRP: EventRPG, ICLR 2024), from the score of a class down.
/// Linear maps pass it on by the αβ-rule (AlphaBeta), max-pools to the winner, the first of equals, other pools in proportion.
///  averaged  on spikes averaged over time; neurons pass relevance on unchanged
///  timed     at every step; at a neuron, from the last step to the first, R[t] is the relevance of its spike and what came
///  back
///            from t + 1: the share carried⁺ / (carried⁺ + I[t]⁺) goes back to t − 1, the rest to the current I[t]. Carried is
///            what of the membrane after its reset is left at t: βV[t−1]. A synapse that keeps its current passes its part back
///            alike, and so does the readout, which starts with the score at the last step.
/// What arrives where no positive term brought it is lost, and counted.
class RelevanceSweep {
  public:
    /// Refers to the network, which must outlive it. Throws InputError for a network that is no chain.
    RelevanceSweep(const Network& network, AlphaBeta::Rule rule);

    /// What a recording must hold for both.
    RecordRequest request() const;

    /// At one layer and step (0 where averaged): in = out + bias + lost. In: of its spikes (or the score), and what came back
    /// from the step after. Out: to the layer's inputs, and back to the step before.
    struct Passed {
        int layer = 0;
        int64_t step = 0;
        double in = 0, out = 0, bias = 0, lost = 0;
    };
    struct Result {
        std::vector<float> relevance;  ///< of the input: [C·H·W] averaged, [T·C·H·W] timed
        std::vector<Passed> passed;    ///< from the last layer to the first, of each from the last step
        double whole = 0, bias = 0, lost = 0;
    };

    /// Of sample n of a recording of so many steps of `input`, which is an image or spikes.
    Result averaged(const Recording& recording, const Input& input, int64_t n, int64_t steps, int target) const;
    Result timed(const Recording& recording, const Input& input, int64_t n, int64_t steps, int target) const;

  private:
    class Walk;
    const Network& network_;
    std::vector<AlphaBeta> maps_;
};

}  // namespace spikelens

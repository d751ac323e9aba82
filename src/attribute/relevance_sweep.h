#pragma once

#include <optional>
#include <vector>

#include "spikelens/snn/engine.h"

#include "alpha_beta.h"

namespace spikelens {

/// Relevance propagation through a spiking network (SLRP and SLTRP: EventRPG, ICLR 2024), from the score of a class
/// down. Weights pass it on by the αβ-rule (AlphaBeta), and as weights of one do sums and pools of sums and means,
/// those of spikes in proportion; max-pools to the winner, the first of equals; `cat` to the input that a channel is
/// of, `and` an equal part to each input, `iand` all to the first.
///  averaged  on spikes averaged over time; neurons pass relevance on unchanged
///  timed     at every step; at a neuron, from the last step to the first, R[t] is the relevance of its spike and what
///            came back from t + 1: the share carried⁺ / (carried⁺ + I[t]⁺) goes back to t − 1, the rest to the current
///            I[t]. Carried is what of the membrane after its reset is left at t: βV[t−1]. A synapse that keeps its
///            current passes its part back alike, as does the readout, which starts with the score at the last step.
/// What arrives where no positive term brought it is lost, and counted.
class RelevanceSweep {
  public:
    /// Refers to the network, which must outlive it. Throws InputError for recurrent layers, normalisations of each
    /// step, and gains below 0 that differ between neurons.
    RelevanceSweep(const Network& network, AlphaBeta::Rule rule);

    /// What a recording must hold for both.
    RecordRequest request() const;

    /// At one layer and step (0 where averaged): in = out + bias + lost. In: of its spikes (or the score), and what
    /// came back from the step after. Out: to the layer's inputs, and back to the step before.
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

    /// Of sample n of a recording of so many steps of `input`, which is an image or spikes. `timed` throws InputError
    /// where a threshold adapts.
    Result averaged(const Recording& recording, const Input& input, int64_t n, int64_t steps, int target) const;
    Result timed(const Recording& recording, const Input& input, int64_t n, int64_t steps, int target) const;

  private:
    class Walk;
    bool sends_currents(int layer) const;

    const Network& network_;
    AlphaBeta::Rule rule_;
    LinearMaps weights_;
    std::vector<bool> numbers_;                   ///< which layers have numbers before their pools, not currents
    std::vector<std::optional<AlphaBeta>> maps_;  ///< of layers with weights
};

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "spikelens/snn/gradient.h"
#include "spikelens/snn/simulate.h"

#include "layer_adjoint.h"

namespace spikelens {

/// What a pass is shown: an image [C, H, W], the same at every step, or [T, C, H, W].
struct ShownSample {
    std::span<const float> values;
    int steps = 0;
    bool constant = false;
    int layer = -1;  ///< whose spike_gradient will be asked for; -1: the input_gradient
};

/// Whether all values of a sequence count spikes: their currents are exact sums then.
bool counts_spikes(std::span<const float> values);

/// Takes samples through a network and back, one at a time.
class GradientPass {
  public:
    virtual ~GradientPass() = default;
    virtual void forward(const ShownSample& sample, std::span<float> scores) = 0;
    // Of the sample last shown; each uses it up.
    /// ∂ scores[target] / ∂ values
    virtual void input_gradient(int target, std::span<float> gradient) = 0;
    /// A layer's spikes [T, C, H, W] before its pool, and ∂ scores[target] / ∂ spikes.
    virtual void spike_gradient(int target, int layer, std::span<float> spikes, std::span<float> gradient) = 0;
};

/// The exact simulation forward, in float32 back.
class ExactGradient {
  public:
    /// Whether all layers of a network are such that it can.
    static bool can(const Network& network);

    /// Refers to both.
    ExactGradient(const Simulator::Plan& plan, const Surrogate& surrogate);

    /// Bytes of one pass; `planes` as in sample_memory.
    int64_t bytes(int steps, int planes) const;
    std::unique_ptr<GradientPass> make_pass(int threads) const;

  private:
    const Simulator::Plan& plan_;
    std::vector<LayerAdjoint> adjoints_;
};

/// Both ways as the definitions say, in double: of a network that may be smooth.
std::unique_ptr<GradientPass> make_plain_pass(const Network& network, const GradientOptions& options);
int64_t plain_pass_bytes(const Network& network, int steps);

/// The definitions for every kind of graph, in double. The simulator, which may be null, gives potentials and scores of
/// images and of whole numbers.
std::unique_ptr<GradientPass> make_graph_pass(const Network& network, const GradientOptions& options,
                                              const Simulator* simulator);

/// What is left at the end of a readout of what each step brought, over T: β^(T−1−t) / T.
std::vector<double> shares_of_steps(const Layer& readout, int steps);

}  // namespace spikelens

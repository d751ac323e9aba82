#pragma once

#include <memory>
#include <span>

#include "spikelens/snn/gradient.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {

/// Surrogate gradients of networks that are graphs, in plain loops in double. Of images and spikes the exact simulation gives
/// potentials and scores; a smooth network, and sequences of any values, go forward in double too. Errors are those of
/// GradientNetwork.
class GraphGradient {
  public:
    GraphGradient(std::shared_ptr<const Simulator> simulator, GradientOptions options);

    InputGradient gradient(const Input& input, std::span<const int> targets) const;
    InputGradient sequence_gradient(const FloatArray& sequence, std::span<const int> targets) const;
    /// Not through the layer's own reset, nor its recurrence.
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const;

  private:
    struct Samples;
    int workers(int64_t samples, int64_t steps) const;
    InputGradient gradient(const Samples& samples, std::span<const int> targets) const;

    std::shared_ptr<const Simulator> simulator_;
    GradientOptions options_;
};

}  // namespace spikelens

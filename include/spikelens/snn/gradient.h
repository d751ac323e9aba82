#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"

namespace spikelens {

struct GradientOptions {
    Surrogate surrogate;
    bool smooth =
        false;  ///< replace the step by surrogate_step: a differentiable network, for tests by finite differences
    bool double_precision = false;  ///< as smooth networks are computed
};

struct InputGradient {
    FloatArray scores;    ///< [N, classes]
    FloatArray gradient;  ///< ∂ score[target[n]] / ∂ input
};

struct SpikeGradient {
    FloatArray scores;    ///< [N, classes]
    FloatArray spikes;    ///< [N, T, C, H, W], of the layer before its pool; smooth ones of a smooth network
    FloatArray gradient;  ///< ∂ score[target[n]] / ∂ spikes, same shape
};

class Simulator;

/// Scores and their surrogate gradient. The exact simulation is the forward pass: it gives potentials and scores. The
/// way back goes layer by layer in float32, in one fixed order: pool, neuron, weights. What the surrogate or a pool
/// sets to zero costs nothing. The result of a sample is the same to the bit for any batch, thread count and kernel. A
/// sequence of whole numbers 0 to 255 is spikes, with exact currents; of other values the first layer's currents are
/// float32. Networks that are smooth or in double precision are computed both ways in double, by the definitions:
/// slowly. So is the way back of networks with recurrence, neurons that differ, `and` or `iand`, and their way forward
/// where a sequence's values are not whole.
class GradientNetwork {
  public:
    /// As many samples side by side as execution.memory has room for, at most one a thread.
    explicit GradientNetwork(std::shared_ptr<const Network> network, GradientOptions options = {},
                             Execution execution = {});
    explicit GradientNetwork(Network network, GradientOptions options = {}, Execution execution = {});
    /// Of the simulator's network, with its execution; its weights in fixed point serve both.
    explicit GradientNetwork(std::shared_ptr<const Simulator> simulator, GradientOptions options = {});
    ~GradientNetwork();
    GradientNetwork(GradientNetwork&&) noexcept;
    GradientNetwork& operator=(GradientNetwork&&) noexcept;

    /// Both throw InputError for shapes that do not fit the network, targets that are not classes, values that are not
    /// finite, more than 65535 steps, and where execution.memory does not suffice for one sample. Direct coding: images
    /// [N, C, H, W]; the gradient of the score of targets[n] with respect to the image
    /// (= Σ_t ∂y/∂x[t]), same shape.
    InputGradient input_gradient(const FloatArray& images, std::span<const int> targets) const;

    /// Input that changes in time, [N, T, C, H, W] of any values; gradient of the same shape.
    InputGradient sequence_gradient(const FloatArray& input, std::span<const int> targets) const;

    /// Either: of images as input_gradient, of spikes as sequence_gradient (the gradient is [N, T, C, H, W]).
    InputGradient gradient(const Input& input, std::span<const int> targets) const;

    /// The gradient with respect to what a layer (an index into network.layers, of one with a neuron) sends out:
    /// through its pool and the layers after it, not through its own reset or recurrence. A fully connected layer has H
    /// = W = 1. Throws InputError as the others do, and for a layer without a neuron.
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const;

  private:
    struct Modules;
    std::unique_ptr<const Modules> modules_;
};

}  // namespace spikelens

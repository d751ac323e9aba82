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
    bool smooth = false;  ///< replace the step by surrogate_step: a differentiable network, for tests by finite differences
    bool double_precision = false;
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

/// Scores and their surrogate gradient through LibTorch, layer by layer with time folded into the batch. For gradients of
/// images in float the exact simulation takes the place of the forward pass: its potentials, and its scores. Samples are
/// computed one at a time, each by one thread: the result of a sample is the same to the bit in any batch, on one machine. On
/// another CPU it may differ in the last digits, since LibTorch and its BLAS choose their kernels by CPU; but for the scores of
/// images in float, which are the simulation's. Sets LibTorch and OpenBLAS to one thread of their own, for the whole process.
class GradientNetwork {
  public:
    /// As many samples side by side as execution.memory has room for, at most one a thread.
    explicit GradientNetwork(std::shared_ptr<const Network> network, GradientOptions options = {}, Execution execution = {});
    explicit GradientNetwork(Network network, GradientOptions options = {}, Execution execution = {});
    /// Of the simulator's network, with its execution; its weights in fixed point serve both.
    explicit GradientNetwork(std::shared_ptr<const Simulator> simulator, GradientOptions options = {});
    ~GradientNetwork();
    GradientNetwork(GradientNetwork&&) noexcept;
    GradientNetwork& operator=(GradientNetwork&&) noexcept;

    /// Both throw InputError for shapes that do not fit the network, targets that are not classes, values that are not finite,
    /// and where execution.memory does not suffice for one sample.
    /// Direct coding: images [N, C, H, W]; the gradient of the score of targets[n] with respect to the image
    /// (= Σ_t ∂y/∂x[t]), same shape.
    InputGradient input_gradient(const FloatArray& images, std::span<const int> targets) const;

    /// Input that changes in time, [N, T, C, H, W] of any values; gradient of the same shape.
    InputGradient sequence_gradient(const FloatArray& input, std::span<const int> targets) const;

    /// Either: of images as input_gradient, of spikes as sequence_gradient (the gradient is [N, T, C, H, W]).
    InputGradient gradient(const Input& input, std::span<const int> targets) const;

    /// The gradient with respect to what a layer (an index into network.layers, of one with a neuron) sends out: through its
    /// pool and the layers after it, not through its own reset. A fully connected layer has H = W = 1. Throws InputError as the
    /// others do, and for a layer without a neuron.
    SpikeGradient spike_gradient(const Input& input, std::span<const int> targets, int layer) const;

  private:
    struct Modules;
    std::unique_ptr<const Modules> modules_;
};

}  // namespace spikelens

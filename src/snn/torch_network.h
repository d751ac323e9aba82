#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "spikelens/core/array.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/simulate.h"
#include "spikelens/snn/surrogate.h"

#include "lif.h"

namespace spikelens {

/// Forward and backward of a network in LibTorch's operators, layer by layer with time folded into the batch
/// ([T·N, C, H, W]): one convolution for all steps, then one pass of the neurons over time. There is no autograd graph:
/// the few kinds of layer have their adjoints written out, which leaves all threading to the caller.
class TorchNetwork {
  public:
    /// In float the weights are the network's own memory (changes to them are seen); in double they are copies.
    /// The network must live as long as this.
    TorchNetwork(const Network& network, const Surrogate& surrogate, bool smooth, at::ScalarType type);

    /// What the backward pass needs of a forward pass.
    struct Trace {
        struct Step {
            std::vector<int64_t> input_shape;
            at::Tensor input;       ///< undefined unless the gradient of the weights is wanted
            at::Tensor current;     ///< undefined in a readout; or
            at::Tensor potentials;  ///< [T·N, C, H, W], from the exact simulation
        };
        bool keep_inputs = false;
        bool constant = false;
        int64_t steps = 0;
        std::vector<Step> layers;
    };

    struct Gradients {
        at::Tensor input;                    ///< [N, C, H, W], of sequences [T·N, C, H, W]; if wanted
        std::vector<at::Tensor> parameters;  ///< weight, then bias if there is one, of each layer in order, if wanted
    };

    /// Scores [N, classes] of images [N, C, H, W], the same current at every step, or of sequences [N, T, C, H, W].
    at::Tensor forward(const at::Tensor& input, Trace& trace) const;

    /// The trace of one image [1, C, H, W] that the exact simulation has run, with the potentials of all neurons: for
    /// the gradient of the input, in float, of neurons that are not smooth. It looks into the recording, and backward
    /// writes there.
    Trace trace_of(Recording& recording) const;

    /// Gradients of Σ scores · score_gradient. Uses up the trace. The weights' are given when the trace kept the inputs.
    Gradients backward(Trace& trace, const at::Tensor& score_gradient, bool input_gradient) const;

    struct SpikeGradient {
        at::Tensor spikes, gradient;  ///< [T·N, C, H, W] each, of one layer before its pool
    };

    /// The gradient of Σ scores · score_gradient with respect to the spikes of a layer with a neuron. Uses up the trace.
    SpikeGradient spike_gradient(Trace& trace, const at::Tensor& score_gradient, size_t index) const;

    /// Whether all weights and biases are.
    bool finite() const;

    at::ScalarType type() const { return type_; }

  private:
    struct Weights {
        at::Tensor weight, bias;
    };

    at::Tensor current(size_t index, const at::Tensor& input) const;
    at::Tensor spikes(size_t index, const Trace& trace) const;
    at::Tensor down_to(size_t end, Trace& trace, const at::Tensor& score_gradient, bool input_gradient,
                       Gradients& result) const;
    at::Tensor neuron_gradient(size_t index, Trace& trace, const at::Tensor& gradient) const;
    at::Tensor weights_gradient(size_t index, Trace& trace, const at::Tensor& gradient, bool input_gradient,
                                Gradients& result) const;
    LifPlanes planes(size_t index, const Trace& trace) const;

    const Network& network_;
    Surrogate surrogate_;
    bool smooth_;
    at::ScalarType type_;
    std::vector<Weights> weights_;
};

/// Makes LibTorch and its BLAS run in the calling thread: Spikelens divides work over samples itself, and results must
/// not depend on how a matrix product was divided. Applies to the calling thread's OpenMP and to the whole process's
/// LibTorch and OpenBLAS. To be called by every worker before it computes.
void compute_in_this_thread();

/// A view of plain memory as a tensor.
at::Tensor view_of(FloatArray& array);
at::Tensor view_of(const float* data, const Shape& shape);

}  // namespace spikelens

#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "spikelens/core/array.h"
#include "spikelens/snn/network.h"
#include "spikelens/snn/surrogate.h"

#include "snn/lif.h"
#include "train/trainer.h"

namespace spikelens {

/// Forward and backward of a network in LibTorch's operators, in float, layer by layer with time folded into the batch
/// ([T·N, C, H, W]): one convolution for all steps, then one pass of the neurons over time. There is no autograd graph:
/// the few kinds of layer have their adjoints written out, which leaves all threading to the caller.
class TorchNetwork {
  public:
    /// Where it is computed, and how.
    struct Computing {
        at::Device device = at::kCPU;
        at::ScalarType products = at::kFloat;  ///< convolutions and products of matrices; all else is in float
        bool fused = true;  ///< neurons by kernels of our own, on the CPU alone, else by composed_lif.h
    };

    /// The network must live as long as this. `frozen` says of each layer whether it needs no gradient.
    TorchNetwork(const Network& network, const Surrogate& surrogate, std::vector<bool> frozen, Computing computing);

    /// Takes the network's weights as they are: after each change to them. On the CPU and in float they are its own
    /// memory.
    void take_weights();

    const at::Device& device() const { return computing_.device; }

    /// What the backward pass needs of a forward pass.
    struct Trace {
        struct Step {
            at::Tensor input;    ///< floats, or bytes where kept_as_bytes()
            at::Tensor current;  ///< undefined in a readout, and where it is computed once more
        };
        bool recompute = false;
        bool constant = false;
        int64_t steps = 0;
        std::vector<Step> layers;
    };

    /// Scores [N, classes], on the device, of images [N, C, H, W], the same current at every step, or of sequences [N,
    /// T, C, H, W].
    at::Tensor forward(const at::Tensor& input, Trace& trace) const;

    /// Gradients, floats on the device, of Σ scores · score_gradient: weight, then bias if there is one, of each layer
    /// in order; undefined of frozen layers. Uses up the trace.
    std::vector<at::Tensor> backward(Trace& trace, const at::Tensor& score_gradient) const;

    /// Whether all weights and biases are.
    bool finite() const;

  private:
    struct Weights {
        at::Tensor weight, bias;
    };
    /// Undefined where nothing asks for them.
    struct Gradients {
        at::Tensor input, weight, bias;
    };

    at::Tensor enter(size_t index, const at::Tensor& signal, const Trace& trace) const;
    at::Tensor weighted(size_t index, const at::Tensor& kept) const;
    at::Tensor current(size_t index, const at::Tensor& kept, const Trace& trace) const;
    at::Tensor product(const at::Tensor& values) const;
    at::Tensor kept_by_readout(size_t index, const Trace& trace) const;
    at::Tensor spikes(size_t index, const at::Tensor& current, const Trace& trace) const;
    bool reads_means(size_t index) const;
    at::Tensor kept(size_t index, const at::Tensor& input, const Trace& trace) const;
    at::Tensor as_floats(size_t index, const at::Tensor& kept) const;
    at::Tensor weights_gradient(size_t index, const Trace& trace, const at::Tensor& kept, const at::Tensor& gradient,
                                std::vector<at::Tensor>& result) const;
    Gradients conv_gradient(size_t index, const at::Tensor& kept, const at::Tensor& gradient) const;
    Gradients full_gradient(size_t index, const at::Tensor& kept, const at::Tensor& gradient) const;
    at::Tensor current_gradient(size_t index, const at::Tensor& current, const at::Tensor& gradient,
                                const Trace& trace) const;
    LifPlanes planes(size_t index, const at::Tensor& current, const Trace& trace) const;

    const Network& network_;
    Surrogate surrogate_;
    std::vector<bool> frozen_;
    Computing computing_;
    size_t first_;                  ///< the first layer that needs gradients
    std::vector<Weights> own_;      ///< the network's memory
    std::vector<Weights> weights_;  ///< on the device; weights in the numbers of products
};

/// Makes LibTorch and its BLAS run in the calling thread: Spikelens divides work over samples itself, and results must
/// not depend on how a matrix product was divided. Applies to the calling thread's OpenMP and to the whole process's
/// LibTorch and OpenBLAS. To be called by every worker before it computes.
void compute_in_this_thread();

/// A view of plain memory as a tensor.
at::Tensor view_of(FloatArray& array);
at::Tensor view_of(const float* data, const Shape& shape);

}  // namespace spikelens

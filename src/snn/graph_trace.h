#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "spikelens/snn/gradient.h"
#include "spikelens/snn/network.h"

#include "kernels/neuron_step.h"

namespace spikelens {

/// One sample through a graph and back by the definitions, in double, neuron by neuron: slow, and for every kind of
/// layer. What the exact simulation compared with thresholds may take the place of the potentials.
class GraphTrace {
  public:
    using Values = std::vector<double>;  ///< [T][C][H][W]

    /// Refers to both, which must outlive it.
    GraphTrace(const Network& network, const GradientOptions& options);

    /// `input` [T][C][H][W] or, constant in time, [C][H][W]; potentials[l] [T][C][H][W] of layers with neurons, or
    /// nothing.
    void forward(std::span<const float> input, int steps, std::span<const std::span<const float>> potentials,
                 std::span<float> scores);
    /// ∂ score[target] / ∂ input at every step, from the last forward; of a layer of that index, of what it sends
    /// before its pool instead, through its pool and the layers after it.
    Values input_gradient(int target);
    Values fired_gradient(int target, int layer);
    /// What the layer had before its pool.
    const Values& fired(int layer) const { return nodes_[layer].fired; }

  private:
    /// Values of a layer at all steps, and the gradients of what it has before its pool and of what it sends.
    struct Node {
        Values potentials, fired, sent, fired_gradient, sent_gradient;
    };

    struct NeuronNumbers {
        kernels::NeuronConstants<double> constants;
        double scale, threshold;
    };

    int64_t sent_size(int input) const;
    const double* sent(int input, int step) const;
    double* sent_gradient(int input, int step);
    void operate(int l, int step, double* out) const;
    void fire(int l, std::span<const float> potentials);
    void forward_layer(int l, std::span<const float> potentials);
    void start_backward(int target);
    void unpool(int l);
    void unfire(int l);
    void unoperate(int l, int step, const double* gradient);
    static std::vector<NeuronNumbers> neurons_of(const Layer& layer);
    Values adaptations(int l, const std::vector<NeuronNumbers>& numbers) const;

    const Network& network_;
    const GradientOptions& options_;
    int steps_ = 0;
    Values input_, input_gradient_;  ///< at every step
    std::vector<Node> nodes_;
    std::vector<std::optional<Layer>> recurrences_;  ///< as layers of their own
};

/// What GraphTrace keeps of one sample, in bytes.
int64_t graph_trace_bytes(const Network& network, int64_t steps);

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

/// The weights of a layer as a linear map W and its transpose, without bias, on one sample in (channel, row, column)
/// order. Float sums in one fixed order; zeros of the argument cost nothing. Refers to the layer, which must outlive
/// it.
class LinearMap {
  public:
    explicit LinearMap(const Layer& layer);

    int64_t inputs() const { return inputs_; }
    int64_t outputs() const { return outputs_; }

    /// W·in
    std::vector<float> apply(std::span<const float> in) const;
    /// Wᵀ·out
    std::vector<float> apply_transposed(std::span<const float> out) const;
    /// in += Wᵀ·out; what it costs grows with the values of `out` that are not 0.
    void add_transposed(std::span<const float> out, std::span<float> in) const;

  private:
    std::vector<float> convolve(std::span<const float> in) const;
    std::vector<float> convolve_transposed(std::span<const float> out) const;
    void add_kernel(int64_t output, float value, std::span<float> in) const;

    const Layer& layer_;
    int64_t inputs_ = 0, outputs_ = 0;
    std::vector<float> by_input_;   ///< convolution: [ky, kx, in, out of its group]
    std::vector<float> by_output_;  ///< convolution: [ky, kx, out, in of its group]
};

/// All linear maps of a network: of its layers' weights, and of what their own spikes bring them one step later.
class LinearMaps {
  public:
    /// Refers to the network, which must outlive it.
    explicit LinearMaps(const Network& network);

    /// Of a layer with weights.
    const LinearMap& weights(int layer) const { return *weights_[layer]; }
    /// Null where a layer does not recur.
    const LinearMap* recurrence(int layer) const { return recurrences_[layer] ? &recurrences_[layer]->map : nullptr; }

  private:
    struct Recurring {
        explicit Recurring(Layer own) : layer(std::move(own)), map(layer) {}
        Layer layer;
        LinearMap map;  ///< looks at `layer`
    };
    std::vector<std::optional<LinearMap>> weights_;
    std::vector<std::unique_ptr<const Recurring>> recurrences_;
};

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

/// The weights of a layer as a linear map W and its transpose, without bias, on one sample in (channel, row, column) order.
/// Float sums in one fixed order; zeros of the argument cost nothing. Refers to the layer, which must outlive it.
class LinearMap {
  public:
    explicit LinearMap(const Layer& layer);

    int64_t inputs() const { return inputs_; }
    int64_t outputs() const { return outputs_; }

    /// W·in
    std::vector<float> apply(std::span<const float> in) const;
    /// Wᵀ·out
    std::vector<float> apply_transposed(std::span<const float> out) const;

  private:
    std::vector<float> convolve(std::span<const float> in) const;
    std::vector<float> convolve_transposed(std::span<const float> out) const;

    const Layer& layer_;
    int64_t inputs_ = 0, outputs_ = 0;
    std::vector<float> by_input_;   ///< convolution: [ky, kx, in, out]
    std::vector<float> by_output_;  ///< convolution: [ky, kx, out, in]
};

}  // namespace spikelens

#pragma once

#include <memory>
#include <span>
#include <vector>

#include "spikelens/snn/network.h"

#include "linear_map.h"

namespace spikelens {

/// The αβ-rule of relevance propagation (Bach et al. 2015) through a layer's currents z_i = Σ_j w_ij x_j + b_i, times
/// the neuron's gain, with α = 1 + β:
///     R_j = Σ_i [α (w_ij x_j)⁺ / Σ_k (w_ik x_k)⁺ − β (w_ij x_j)⁻ / Σ_k (w_ik x_k)⁻] R_i
/// A bias takes a share as a term of the sums, or none.
class AlphaBeta {
  public:
    struct Rule {
        int alpha = 1;
        bool bias = false;  ///< takes its share
    };

    AlphaBeta(const Layer& layer, Rule rule);

    struct Result {
        std::vector<float> relevance;  ///< of the inputs
        double bias = 0;
        double lost = 0;  ///< where a sum is 0
    };
    /// Of the relevance of the currents, and the inputs x of any sign.
    Result pass(std::span<const float> relevance, std::span<const float> inputs) const;

  private:
    /// The terms of one sign: of weights of that sign times inputs above 0, and the others times inputs below 0.
    struct Terms {
        const LinearMap* of_positive;
        const LinearMap* of_negative;
        bool positive;  ///< the sign
        float factor;   ///< α or −β
    };
    void add(const Terms& terms, std::span<const float> relevance, std::span<const float> positive,
             std::span<const float> negative, Result& result) const;
    float bias_term(int64_t output, bool positive) const;

    Rule rule_;
    int64_t pixels_;  ///< of an output channel
    std::vector<float> bias_;
    std::shared_ptr<const Layer> positive_, negative_;  ///< the layer with its weights of one sign, times the gain
    LinearMap of_positive_, of_negative_;
};

}  // namespace spikelens

#pragma once

#include <vector>

#include "spikelens/kernels/layer_plan.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// A layer for spiking input: weights quantised. `input_scale` multiplies the input's whole numbers (1/size²
/// after an average pool).
kernels::LayerPlan lower_for_spikes(const Layer& layer, double input_scale);

/// A first layer for real-valued input.
kernels::LayerPlan lower_for_real_input(const Layer& layer);

/// Quantisation of one output's weights: w ≈ 2^exponent · q with |q| ≤ 2^24.
struct QuantisedWeights {
    int exponent = 0;
    std::vector<int32_t> q;
};
QuantisedWeights quantise(const float* weights, int64_t count);

}  // namespace spikelens

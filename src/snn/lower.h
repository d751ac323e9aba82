#pragma once

#include "spikelens/kernels/layer_plan.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// A layer for spiking input: weights quantised. `input_scale` multiplies the input's whole numbers (1/size²
/// after an average pool).
kernels::LayerPlan lower_for_spikes(const Layer& layer, double input_scale);

/// A first layer for real-valued input.
kernels::LayerPlan lower_for_real_input(const Layer& layer);

}  // namespace spikelens

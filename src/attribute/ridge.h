#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"

namespace spikelens {

/// Weighted ridge regression with an intercept that is not penalised: the b of
///     min over a, b of Σ_k w_k (y_k − a − bᵀz_k)² + penalty·‖b‖².
/// `on` [samples, features] holds 0 and 1; weights and penalty above 0. In double; the intercept goes by centring on
/// the weighted means, b from the normal equations.
std::vector<double> weighted_ridge(const Array<uint8_t>& on, std::span<const double> response,
                                   std::span<const double> weight, double penalty, const Execution& execution = {});

}  // namespace spikelens

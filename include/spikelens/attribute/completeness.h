#pragma once

#include <span>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// How well a signed attribution accounts for the score: Σ A = y_c(x) − y_c(x') when nothing is lost or invented.
struct Completeness {
    double attributed = 0;  ///< Σ A over channels and pixels, and over time
    double difference = 0;  ///< y_c(x) − y_c(x')
    double gap = 0;         ///< |attributed − difference|, in units of the score
};

/// Per sample, from attributions [N, C, H, W] or [T, N, C, H, W] and the scores [N, classes] of the inputs and of their
/// baselines. Throws InputError for sizes that do not match and targets out of range.
std::vector<Completeness> completeness(const FloatArray& attribution, const FloatArray& image_scores,
                                       const FloatArray& baseline_scores, std::span<const int> targets);

}  // namespace spikelens

#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace spikelens {

/// Softmax probability of one class, in double.
inline double softmax_probability(std::span<const float> scores, int target) {
    const double highest = *std::ranges::max_element(scores);
    double sum = 0;
    for (float score : scores) sum += std::exp(score - highest);
    return std::exp(scores[target] - highest) / sum;
}

}  // namespace spikelens

#include "spikelens/snn/decision.h"

#include <algorithm>
#include <cmath>

namespace spikelens {

bool undecided(std::span<const float> scores) {
    if (scores.size() < 2) return false;
    return std::ranges::any_of(scores, [](float score) { return std::isnan(score); }) ||
           std::ranges::all_of(scores, [&](float score) { return score == scores.front(); });
}

double softmax_probability(std::span<const float> scores, int c) {
    const double highest = *std::ranges::max_element(scores);
    double sum = 0;
    for (const float score : scores) sum += std::exp(score - highest);
    return std::exp(scores[c] - highest) / sum;
}

std::vector<float> softmax_probabilities(std::span<const float> scores) {
    std::vector<float> probabilities;
    for (size_t c = 0; c < scores.size(); ++c)
        probabilities.push_back(static_cast<float>(softmax_probability(scores, static_cast<int>(c))));
    return probabilities;
}

std::vector<int> decisions(const FloatArray& scores) {
    std::vector<int> result;
    for (int64_t n = 0; n < scores.extent(0); ++n) {
        const auto row = scores.row(n);
        result.push_back(undecided(row) ? kUndecided : static_cast<int>(std::ranges::max_element(row) - row.begin()));
    }
    return result;
}

}  // namespace spikelens

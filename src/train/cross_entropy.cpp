#include "cross_entropy.h"

#include <algorithm>
#include <cmath>

#include "spikelens/snn/decision.h"

namespace spikelens {
namespace {

BatchRecord one_sample(std::span<const float> scores, int label, double weight, std::span<float> gradient) {
    const auto highest = std::ranges::max_element(scores);
    double sum = 0;
    for (float score : scores) sum += std::exp(static_cast<double>(score) - *highest);
    for (size_t c = 0; c < scores.size(); ++c) {
        const double probability = std::exp(static_cast<double>(scores[c]) - *highest) / sum;
        gradient[c] = static_cast<float>(weight * (probability - (static_cast<int>(c) == label ? 1 : 0)));
    }
    const bool correct = !undecided(scores) && highest - scores.begin() == label;
    return {std::log(sum) - (static_cast<double>(scores[label]) - *highest), correct};
}

}  // namespace

BatchRecord cross_entropy(std::span<const float> scores, std::span<const int> labels, double weight,
                          std::span<float> gradient) {
    const size_t classes = scores.size() / labels.size();
    BatchRecord record;
    for (size_t n = 0; n < labels.size(); ++n)
        record +=
            one_sample(scores.subspan(n * classes, classes), labels[n], weight, gradient.subspan(n * classes, classes));
    return record;
}

}  // namespace spikelens

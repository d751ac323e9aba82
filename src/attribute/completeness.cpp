#include "spikelens/attribute/completeness.h"

#include <cmath>

#include "spikelens/core/error.h"

namespace spikelens {

std::vector<Completeness> completeness(const FloatArray& attribution, const FloatArray& image_scores,
                                       const FloatArray& baseline_scores, std::span<const int> targets) {
    const auto count = static_cast<int64_t>(targets.size());
    const bool fits = attribution.shape.size() == 4 && image_scores.shape.size() == 2 && attribution.shape[0] == count &&
                      image_scores.shape[0] == count && image_scores.shape == baseline_scores.shape;
    if (!fits) {
        throw InputError("completeness of " + std::to_string(count) + " samples got attributions " +
                         shape_text(attribution.shape) + " and scores " + shape_text(image_scores.shape) + " and " +
                         shape_text(baseline_scores.shape) + ", expected [N, C, H, W] and twice [N, classes]");
    }
    std::vector<Completeness> result(count);
    for (int64_t n = 0; n < count; ++n) {
        const int target = targets[n];
        if (target < 0 || target >= image_scores.shape[1]) {
            throw InputError("completeness: class " + std::to_string(target) + " has no score");
        }
        for (float value : attribution.row(n)) result[n].attributed += value;
        result[n].difference = static_cast<double>(image_scores.row(n)[target]) - baseline_scores.row(n)[target];
        result[n].gap = std::abs(result[n].attributed - result[n].difference);
    }
    return result;
}

}  // namespace spikelens

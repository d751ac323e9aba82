#include "curves.h"

#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/snn/decision.h"

namespace spikelens {
namespace {

void check_scores(const FloatArray& scores, int64_t inputs, std::span<const int> targets, const std::string& noun) {
    if (scores.shape.size() != 2 || scores.extent(0) != inputs)
        throw InputError("the score function gave shape " + shape_text(scores.shape) + " for " +
                         std::to_string(inputs) + " " + noun + "s, expected one row of class scores for each");
    for (const int target : targets)
        if (target < 0 || target >= scores.extent(1))
            throw InputError("the target class " + std::to_string(target) + " is not one of the " +
                             std::to_string(scores.extent(1)) + " scored classes");
}

double area_under(std::span<const double> curve) {
    double sum = 0;
    for (const double value : curve) sum += value;
    return (sum - curve.front() / 2 - curve.back() / 2) / static_cast<double>(curve.size() - 1);
}

}  // namespace

void check_counts(int64_t count, size_t targets, size_t samples, const std::string& noun) {
    if (static_cast<int64_t>(targets) != count || static_cast<int64_t>(samples) != count)
        throw InputError(std::to_string(count) + " " + noun + "s came with " + std::to_string(targets) +
                         " targets and " + std::to_string(samples) + " sample numbers");
}

std::vector<double> probabilities(const FloatArray& scores, std::span<const int> wanted, std::span<const int> targets,
                                  const std::string& noun) {
    check_scores(scores, static_cast<int64_t>(wanted.size()), targets, noun);
    std::vector<double> result;
    for (size_t i = 0; i < wanted.size(); ++i) {
        result.push_back(softmax_probability(scores.row(static_cast<int64_t>(i)), wanted[i]));
        if (!std::isfinite(result.back())) throw InputError("a class score of a perturbed " + noun + " is not finite");
    }
    return result;
}

MetricResult collect_curves(std::span<const double> probabilities, int64_t samples, int64_t points) {
    MetricResult result;
    result.curves = FloatArray({samples, points}, std::vector<float>(probabilities.begin(), probabilities.end()));
    for (int64_t n = 0; n < samples; ++n)
        result.values.push_back(area_under(probabilities.subspan(n * points, points)));
    return result;
}

}  // namespace spikelens

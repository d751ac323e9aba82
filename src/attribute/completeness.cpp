#include "spikelens/attribute/completeness.h"

#include <cmath>
#include <numeric>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

double sum(std::span<const float> values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace

std::vector<Completeness> completeness(const FloatArray& attribution, const FloatArray& image_scores,
                                       const FloatArray& baseline_scores, std::span<const int> targets) {
    const auto count = static_cast<int64_t>(targets.size());
    const size_t axes = attribution.shape.size();
    const bool fits = (axes == 4 || axes == 5) && image_scores.shape.size() == 2 && attribution.shape[0] == count &&
                      image_scores.shape[0] == count && image_scores.shape == baseline_scores.shape;
    if (!fits) {
        throw InputError("completeness of " + std::to_string(count) + " samples got attributions " +
                         shape_text(attribution.shape) + " and scores " + shape_text(image_scores.shape) + " and " +
                         shape_text(baseline_scores.shape) +
                         ", expected [N, C, H, W] or [N, T, C, H, W], and twice [N, classes]");
    }
    std::vector<Completeness> result(count);
    for (int64_t n = 0; n < count; ++n) {
        const int target = targets[n];
        if (target < 0 || target >= image_scores.shape[1]) {
            throw InputError("completeness: class " + std::to_string(target) + " has no score");
        }
        result[n].attributed = sum(attribution.row(n));
        result[n].difference = static_cast<double>(image_scores.row(n)[target]) - baseline_scores.row(n)[target];
        result[n].gap = std::abs(result[n].attributed - result[n].difference);
    }
    return result;
}

std::optional<std::string> completeness_baseline(const MethodSpec& spec, const Input& input) {
    if (spec.view != View::natural) return std::nullopt;
    if (spec.method->accounts(input)) return "biases";
    const std::optional<OwnBaseline> own = spec.method->own_baseline(input);
    return own ? std::optional(own->name) : std::nullopt;
}

std::vector<Completeness> own_completeness(const MethodSpec& spec, const AttributionContext& context,
                                           const AttributionRequest& request, const FloatArray& attribution,
                                           const FloatArray& scores) {
    if (!completeness_baseline(spec, request.input))
        throw InputError("the map of " + spec.text + " does not aim at completeness, so there is nothing to measure");
    if (!spec.method->accounts(request.input)) {
        const Input own = spec.method->own_baseline(request.input)->input;
        return completeness(attribution, scores, context.engine->run(own).scores, request.targets);
    }
    std::vector<Completeness> result;
    for (const Remainder& rest : spec.method->remainder(context, request)) {
        const double attributed = sum(attribution.row(static_cast<int64_t>(result.size())));
        result.push_back(
            {attributed, rest.whole, rest.bias, rest.lost, std::abs(attributed + rest.bias + rest.lost - rest.whole)});
    }
    return result;
}

}  // namespace spikelens

#include "claims.h"

#include <cmath>

#include <fmt/format.h>

#include "spikelens/io/json_fields.h"

namespace spikelens {

PaperClaim number_claim(const std::string& claim, double paper, double measured, const Interval& ci95) {
    return {claim, paper, json_of_double(measured), holds(paper, ci95), ci95};
}

PaperClaim ablation_claim(const AblationSummary::Point& point) {
    const double gap = point.random_accuracy - point.relevant_accuracy,
                 half = std::hypot(point.relevant_ci95, point.random_ci95);
    return {fmt::format("relevant filters silenced hurt more than random, μ = {:g}", point.mu), "yes",
            fmt::format("{:.3f} against {:.3f}", point.relevant_accuracy, point.random_accuracy),
            std::abs(gap) > half ? std::optional(gap > 0) : std::nullopt, std::nullopt};
}

PaperClaim order_claim(const EvaluateResult& evaluate, const std::string& better, const std::string& worse,
                       const std::string& metric) {
    const MetricDifference paired = evaluate.difference(metric, better, worse).value();
    const MetricScore &first = *evaluate.score(better, metric), &second = *evaluate.score(worse, metric);
    const bool ahead = first.better == "lower" ? paired.difference < 0 : paired.difference > 0;
    return {fmt::format("{} beats {} on {}", better, worse, metric), "yes",
            fmt::format("{:.4f} against {:.4f}", first.mean, second.mean),
            paired.decided ? std::optional(ahead) : std::nullopt, std::nullopt};
}

}  // namespace spikelens

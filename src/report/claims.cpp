#include <cmath>

#include <fmt/format.h>

#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

using Verdict = Claim::Verdict;

/// A published order of two methods against our paired difference.
Claim order_claim(const EvaluateResult& evaluation, const PaperValue& a, const PaperValue& b) {
    const bool a_first = a.value >= b.value;
    const PaperValue &high = a_first ? a : b, &low = a_first ? b : a;
    Claim claim{fmt::format("{}: {} scores above {}", a.metric, high.method, low.method),
                decimal(high.value, 4) + " > " + decimal(low.value, 4), "no paired difference", a.source};
    const auto ours = evaluation.difference(a.metric, high.method, low.method);
    if (!ours) return claim;
    claim.ours = fmt::format("{}{} {}", ours->difference > 0 ? "+" : "", decimal(ours->difference),
                             interval(ours->ci95.low, ours->ci95.high));
    if (ours->decided) claim.verdict = ours->difference > 0 ? Verdict::held : Verdict::contradicted;
    return claim;
}

Claim value_claim(const PaperValue& paper, const MetricScore& ours) {
    Claim claim{fmt::format("{} of {}", paper.metric, paper.method), decimal(paper.value, 4),
                text_of(ours) + " " + text_of(ours, ours.ci95), paper.source};
    if (ours.ci95.known()) claim.verdict = ours.ci95.holds(paper.value) ? Verdict::held : Verdict::contradicted;
    return claim;
}

void add_published(const EvaluateResult& evaluation, std::vector<Claim>& list) {
    for (size_t i = 0; i < evaluation.paper.size(); ++i)
        for (size_t j = i + 1; j < evaluation.paper.size(); ++j)
            if (evaluation.paper[i].metric == evaluation.paper[j].metric &&
                evaluation.paper[i].source == evaluation.paper[j].source)
                list.push_back(order_claim(evaluation, evaluation.paper[i], evaluation.paper[j]));
    for (const PaperValue& paper : evaluation.paper) {
        if (const MetricScore* ours = evaluation.score(paper.method, paper.metric)) list.push_back(value_claim(paper, *ours));
    }
}

/// SVEBI's own claim; the two half-widths combine as those of independent means.
void add_ablation(const InterpretResult& interpretation, std::vector<Claim>& list) {
    const AblationSummary::Point* step = point_at(interpretation.ablation, interpretation.chosen_mu);
    if (!step || !std::isfinite(step->relevant_accuracy) || !std::isfinite(step->random_accuracy)) return;
    const double gap = step->random_accuracy - step->relevant_accuracy,
                 half = std::hypot(step->relevant_ci95, step->random_ci95);
    Claim claim{
        fmt::format("Silencing the relevant filters (μ = {}) costs more than silencing as many random ones", compact(step->mu)),
        "costs more", points(gap), "De Laet et al. 2025, ablation"};
    if (std::isfinite(half)) {
        claim.ours += fmt::format(" {}", interval(100 * (gap - half), 100 * (gap + half), 1));
        if (std::abs(gap) > half) claim.verdict = gap > 0 ? Verdict::held : Verdict::contradicted;
    }
    list.push_back(claim);
}

}  // namespace

std::vector<Claim> claims(const Page& page) {
    std::vector<Claim> list;
    if (page.results.interpret) add_ablation(*page.results.interpret, list);
    if (page.results.evaluate) add_published(*page.results.evaluate, list);
    return list;
}

}  // namespace spikelens::report

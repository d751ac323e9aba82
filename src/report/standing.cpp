#include <fmt/format.h>

#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

using Verdict = Standing::Verdict;

/// How far `name` is ahead of a baseline, higher being better; undecided without a paired difference.
struct Lead {
    Verdict verdict = Verdict::undecided;
    double value = kUnknown;
    Interval ci;
};

Lead lead_over(const EvaluateResult& evaluation, const MetricScore& metric, const std::string& name,
               const std::string& baseline) {
    const auto difference = evaluation.difference(metric.metric, name, baseline);
    if (!difference || !std::isfinite(difference->difference)) return {};
    const double sign = higher_is_better(metric) ? 1 : -1;
    Lead lead{Verdict::undecided, sign * difference->difference, difference->ci95};
    if (difference->decided) lead.verdict = lead.value > 0 ? Verdict::ahead : Verdict::behind;
    return lead;
}

/// Whether `a` is the harder rival: behind it before undecided before ahead, then by the size of the difference.
bool harder(const Lead& a, const Lead& b) {
    if (a.verdict != b.verdict) return a.verdict > b.verdict;
    return std::isfinite(a.value) && (!std::isfinite(b.value) || a.value < b.value);
}

/// A sanity baseline as people call it.
std::string rival_words(const EvaluatedMethod& baseline, const std::string& noun) {
    if (baseline.method == "input") return noun == "image" ? "the input's own brightness" : "the input's own spikes";
    if (baseline.method == "random") return "a random map";
    if (baseline.method == "sobel") return "the input's edges";
    if (baseline.method == "uniform") return "a map of one value";
    return "the sanity baseline " + baseline.method;
}

}  // namespace

Standing standing(const EvaluateResult& evaluation, const std::string& name) {
    Standing result;
    result.metric = leading_metric(evaluation);
    const MetricScore* own = evaluation.score(name, result.metric);
    if (!own || !std::isfinite(own->mean)) return result;
    result.verdict = Verdict::no_baseline;
    std::optional<Lead> hardest;
    for (const EvaluatedMethod& baseline : evaluation.methods) {
        const MetricScore* score = baseline.metric(result.metric);
        if (!baseline.sanity_baseline || baseline.method == name || !score || !std::isfinite(score->mean)) continue;
        const Lead lead = lead_over(evaluation, *own, name, baseline.method);
        if (hardest && !harder(lead, *hardest)) continue;
        hardest = lead;
        result.rival = baseline.method;
    }
    if (hardest) result.verdict = hardest->verdict, result.difference = hardest->value, result.ci = hardest->ci;
    return result;
}

std::string standing_words(const EvaluateResult& evaluation, const std::string& name, const std::string& noun) {
    const Standing found = standing(evaluation, name);
    if (found.verdict == Verdict::unmeasured)
        return found.metric.empty() ? "not measured" : "not measured on " + found.metric;
    const MetricScore& own = *evaluation.score(name, found.metric);
    if (found.verdict == Verdict::no_baseline)
        return fmt::format("{} on {}, beside no sanity baseline", text_of(own), found.metric);
    const EvaluatedMethod& rival = *evaluation.method(found.rival);
    const std::string numbers =
        fmt::format("{} against {}", text_of(own), text_of(own, rival.metric(found.metric)->mean));
    const std::string words = rival_words(rival, noun);
    if (found.verdict == Verdict::ahead) return fmt::format("ahead of {} on {}: {}", words, found.metric, numbers);
    if (found.verdict == Verdict::behind) return fmt::format("below {} on {}: {}", words, found.metric, numbers);
    return fmt::format("not told apart from {} on {}: {}", words, found.metric, numbers);
}

}  // namespace spikelens::report

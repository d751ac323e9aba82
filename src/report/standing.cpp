#include <fmt/format.h>

#include "numbers.h"
#include "page.h"

namespace spikelens::report {
namespace {

using Verdict = Standing::Verdict;

/// How far `name` is ahead of a baseline, higher being better; undecided without a paired difference.
struct Lead {
    Verdict verdict = Verdict::undecided;
    double value = unknown;
    Range ci;
};

Lead lead_over(const Evaluation& evaluation, const Metric& metric, const std::string& name, const std::string& baseline) {
    const auto difference = evaluation.difference(metric.name, name, baseline);
    if (!difference || !std::isfinite(difference->value)) return {};
    const double sign = metric.higher_is_better ? 1 : -1;
    Lead lead{Verdict::undecided, sign * difference->value, difference->ci};
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
    if (baseline.name == "input") return noun == "image" ? "the input's own brightness" : "the input's own spikes";
    if (baseline.name == "random") return "a random map";
    if (baseline.name == "sobel") return "the input's edges";
    if (baseline.name == "uniform") return "a map of one value";
    return "the sanity baseline " + baseline.name;
}

}  // namespace

Standing standing(const Evaluation& evaluation, const std::string& name) {
    Standing result;
    result.metric = evaluation.leading_metric();
    const EvaluatedMethod* method = evaluation.method(name);
    const Metric* own = method ? method->metric(result.metric) : nullptr;
    if (!own || !std::isfinite(own->mean)) return result;
    result.verdict = Verdict::no_baseline;
    std::optional<Lead> hardest;
    for (const EvaluatedMethod& baseline : evaluation.methods) {
        const Metric* score = baseline.metric(result.metric);
        if (!baseline.baseline || baseline.name == name || !score || !std::isfinite(score->mean)) continue;
        const Lead lead = lead_over(evaluation, *own, name, baseline.name);
        if (hardest && !harder(lead, *hardest)) continue;
        hardest = lead;
        result.rival = baseline.name;
    }
    if (hardest) result.verdict = hardest->verdict, result.difference = hardest->value, result.ci = hardest->ci;
    return result;
}

std::string standing_words(const Evaluation& evaluation, const std::string& name, const std::string& noun) {
    const Standing found = standing(evaluation, name);
    if (found.verdict == Verdict::unmeasured) return found.metric.empty() ? "not measured" : "not measured on " + found.metric;
    const Metric& own = *evaluation.method(name)->metric(found.metric);
    if (found.verdict == Verdict::no_baseline)
        return fmt::format("{} on {}, beside no sanity baseline", own.text(own.mean), found.metric);
    const EvaluatedMethod& rival = *evaluation.method(found.rival);
    const std::string numbers = fmt::format("{} against {}", own.text(own.mean), own.text(rival.metric(found.metric)->mean));
    const std::string words = rival_words(rival, noun);
    if (found.verdict == Verdict::ahead) return fmt::format("ahead of {} on {}: {}", words, found.metric, numbers);
    if (found.verdict == Verdict::behind) return fmt::format("below {} on {}: {}", words, found.metric, numbers);
    return fmt::format("not told apart from {} on {}: {}", words, found.metric, numbers);
}

}  // namespace spikelens::report

#include "evaluate_result.h"

#include <algorithm>
#include <cmath>

#include "spikelens/evaluate/summary.h"
#include "spikelens/snn/network.h"

namespace spikelens {
namespace {

MetricScore score_of(const MetricInfo& metric, const MetricResult& result) {
    const MetricSummary summary = summarise(result);
    MetricScore score{
        metric.name, metric.direction, summary.value.mean, Interval(summary.value), summary.value.samples, {}, {}};
    for (const Estimate& point : summary.curve) {
        score.curve.push_back(point.mean);
        score.curve_ci95.push_back(point.high - point.mean);
    }
    return score;
}

EvaluatedMethod method_of(const MeasuredMethod& of, const std::vector<std::string>& order) {
    const MethodInfo& info = of.method.method->info();
    const auto maps = [&](MapState state) {
        const auto found = of.scores.maps.find(state);
        return found == of.scores.maps.end() ? 0 : found->second;
    };
    const auto input = [&](const char* name) {
        return of.inputs.contains(name) ? std::optional(of.inputs[name].get<std::string>()) : std::nullopt;
    };
    EvaluatedMethod method;
    method.method = of.method.text;
    method.title = info.title;
    method.sanity_baseline = info.sanity_baseline;
    method.seconds_per_explanation =
        of.scores.seconds / static_cast<double>(std::max<int64_t>(1, of.scores.done - of.scores.undecided));
    method.zero_maps = maps(MapState::zero);
    method.noise_maps = maps(MapState::noise);
    method.constant_maps = maps(MapState::constant);
    for (const std::string& metric : order)
        if (const auto found = of.scores.metrics.find(metric); found != of.scores.metrics.end())
            method.metrics.push_back(score_of(find_metric(metric)->info(), found->second));
    method.completeness_baseline = of.completeness_baseline;
    method.relevant = input("relevant");
    method.probe = input("probe");
    method.surrogate = input("surrogate");
    return method;
}

std::vector<MetricDifference> differences_of(const std::vector<MeasuredMethod>& all,
                                             const std::vector<std::string>& order) {
    std::vector<MetricDifference> list;
    for (const std::string& metric : order)
        for (size_t a = 0; a < all.size(); ++a)
            for (size_t b = a + 1; b < all.size(); ++b) {
                const auto of_a = all[a].scores.metrics.find(metric), of_b = all[b].scores.metrics.find(metric);
                if (of_a == all[a].scores.metrics.end() || of_b == all[b].scores.metrics.end()) continue;
                const Estimate difference = estimate_difference(of_a->second.values, of_b->second.values);
                list.push_back({metric, all[a].method.text, all[b].method.text, difference.mean, Interval(difference),
                                std::isfinite(difference.low) && (difference.low > 0 || difference.high < 0)});
            }
    return list;
}

}  // namespace

void add_scores(EvaluateResult& result, const std::vector<MeasuredMethod>& measured) {
    for (const MeasuredMethod& of : measured) result.methods.push_back(method_of(of, result.metrics));
    result.differences = differences_of(measured, result.metrics);
}

std::vector<PaperValue> paper_values(const EvaluateResult& result, const std::string& network_text) {
    if (result.data != "mnist" || network_text != preset_text("shallow", 10)) return {};
    std::vector<PaperValue> list;
    const auto add = [&](const char* method, double insertion, double deletion) {
        const std::string source = "De Laet et al. 2025, Table 1 (9,920 images)";
        list.push_back({method, "insertion", source, insertion});
        list.push_back({method, "deletion", source, deletion});
    };
    add("grad2d", 0.8199, 0.3285);
    add("ig2d", 0.7814, 0.1678);
    add("svebi", 0.8459, 0.3516);
    std::erase_if(list, [&](const PaperValue& value) {
        const auto method = std::ranges::find(result.methods, value.method, &EvaluatedMethod::method);
        return method == result.methods.end() || !method->metric(value.metric);
    });
    return list;
}

const MetricScore* EvaluatedMethod::metric(const std::string& name) const {
    const auto found = std::ranges::find(metrics, name, &MetricScore::metric);
    return found == metrics.end() ? nullptr : &*found;
}

const EvaluatedMethod* EvaluateResult::method(const std::string& name) const {
    const auto found = std::ranges::find(methods, name, &EvaluatedMethod::method);
    return found == methods.end() ? nullptr : &*found;
}

const MetricScore* EvaluateResult::score(const std::string& method, const std::string& metric) const {
    const EvaluatedMethod* found = this->method(method);
    return found ? found->metric(metric) : nullptr;
}

bool EvaluateResult::measures(const std::string& metric) const {
    return std::ranges::any_of(methods, [&](const EvaluatedMethod& of) { return of.metric(metric) != nullptr; });
}

std::optional<MetricDifference> EvaluateResult::difference(const std::string& metric, const std::string& a,
                                                           const std::string& b) const {
    for (const MetricDifference& stored : differences) {
        if (stored.metric != metric) continue;
        if (stored.a == a && stored.b == b) return stored;
        if (stored.a == b && stored.b == a)
            return MetricDifference{metric,        a, b, -stored.difference, {-stored.ci95.high, -stored.ci95.low},
                                    stored.decided};
    }
    return std::nullopt;
}

}  // namespace spikelens

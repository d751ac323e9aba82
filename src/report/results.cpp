#include "results.h"

#include <algorithm>
#include <numeric>

#include "leaders.h"
#include "numbers.h"

namespace spikelens::report {
namespace {

/// The element whose μ is nearest; null when there is none.
template <class Point>
const Point* nearest(const std::vector<Point>& points, double mu) {
    const Point* best = nullptr;
    for (const Point& point : points)
        if (std::isfinite(point.mu) && (!best || std::abs(point.mu - mu) < std::abs(best->mu - mu))) best = &point;
    return best;
}

}  // namespace

Results read_results(const ReportData& data) {
    Results results{{}, data.results.interpret, data.results.evaluate, {}};
    if (const auto& train = data.results.train; train)
        results.train.emplace(Training{train->made, train->network, train->diverged});
    else if (const auto& import = data.results.import; import && import->made)
        results.train.emplace(Training{*import->made, import->network});
    if (results.interpret)
        for (ClassPath& path : results.interpret->per_class)
            for (auto* points : {&path.path, &path.breakpoints})
                for (PathPoint& point : *points)
                    std::ranges::stable_sort(point.filters, std::greater(), &WeightedFilter::weight);
    if (results.train) results.classes = results.train->made.classes;
    if (results.classes.empty() && results.interpret) results.classes = results.interpret->classes;
    return results;
}

double Training::samples_of(size_t true_class) const {
    const std::vector<int64_t>& row = made.confusion[true_class];
    const int64_t undecided = true_class < made.confusion_undecided.size() ? made.confusion_undecided[true_class] : 0;
    return static_cast<double>(std::accumulate(row.begin(), row.end(), undecided));
}

double worst_residual(const ClassPath& path) {
    double worst = kUnknown;
    for (const PathPoint& point : path.path)
        for (double residual : {point.kkt_residual, point.duality_gap}) worst = std::fmax(worst, residual);
    return worst;
}

const PathPoint* point_at(const ClassPath& path, double mu) { return nearest(path.path, mu); }
const AblationSummary::Point* point_at(const AblationSummary& ablation, double mu) {
    return nearest(ablation.curve, mu);
}

double mean_selected(const InterpretResult& interpretation) {
    const AblationSummary::Point* point = point_at(interpretation.ablation, interpretation.chosen_mu);
    return point ? point->mean_filters : kUnknown;
}

std::string text_of(const MetricScore& unit, double value) {
    return unit.curve.empty() ? compact(value) : decimal(value);
}

std::string text_of(const MetricScore& unit, const Interval& interval) {
    return interval.known() ? "[" + text_of(unit, interval.low) + ", " + text_of(unit, interval.high) + "]"
                            : std::string();
}

std::vector<std::string> metrics_of(const EvaluateResult& evaluation) {
    std::vector<std::string> names;
    for (const EvaluatedMethod& evaluated : evaluation.methods)
        for (const MetricScore& score : evaluated.metrics)
            if (std::ranges::find(names, score.metric) == names.end()) names.push_back(score.metric);
    return names;
}

std::string leading_metric(const EvaluateResult& evaluation) {
    const std::vector<std::string> names = metrics_of(evaluation);
    for (const std::string& name : names)
        for (const EvaluatedMethod& evaluated : evaluation.methods)
            if (const MetricScore* found = evaluated.metric(name); found && !found->curve.empty()) return name;
    return names.empty() ? std::string() : names[0];
}

const EvaluatedMethod* best(const EvaluateResult& evaluation, const std::string& metric, bool among_baselines) {
    const EvaluatedMethod* leader = nullptr;
    for (const EvaluatedMethod& candidate : evaluation.methods) {
        const MetricScore* score = candidate.metric(metric);
        if (candidate.sanity_baseline != among_baselines || !score || !std::isfinite(score->mean)) continue;
        const double lead = leader ? score->mean - leader->metric(metric)->mean : 0;
        if (!leader || (higher_is_better(*score) ? lead > 0 : lead < 0)) leader = &candidate;
    }
    return leader;
}

std::vector<std::string> equal_leaders(const EvaluateResult& evaluation, const std::string& metric) {
    std::vector<std::string> names;
    const EvaluatedMethod* leader = best(evaluation, metric, false);
    for (const EvaluatedMethod& candidate : evaluation.methods)
        if (const MetricScore* score = candidate.metric(metric);
            leader && score && !candidate.sanity_baseline && score->mean == leader->metric(metric)->mean)
            names.push_back(candidate.method);
    return names;
}

const PaperValue* paper_value(const EvaluateResult& evaluation, const std::string& method, const std::string& metric) {
    for (const PaperValue& value : evaluation.paper)
        if (value.method == method && value.metric == metric) return &value;
    return nullptr;
}

std::string Results::class_name(int64_t index) const {
    if (index >= 0 && index < static_cast<int64_t>(classes.size())) return classes[static_cast<size_t>(index)];
    return "class " + std::to_string(index);
}

}  // namespace spikelens::report

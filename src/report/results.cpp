#include "results.h"

#include <algorithm>
#include <numeric>

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

double Training::samples_of(size_t true_class) const {
    const std::vector<double>& row = confusion[true_class];
    return std::accumulate(row.begin(), row.end(),
                           true_class < confusion_undecided.size() ? confusion_undecided[true_class] : 0);
}

double ClassPath::worst_residual() const {
    double worst = unknown;
    for (const PathPoint& point : points)
        for (double residual : {point.kkt, point.gap}) worst = std::fmax(worst, residual);
    return worst;
}

const PathPoint* ClassPath::at(double mu) const { return nearest(points, mu); }
const AblationStep* AblationCurve::at(double mu) const { return nearest(steps, mu); }

double Interpretation::mean_selected(double mu) const {
    double sum = 0;
    int classes_with_any = 0;
    for (const ClassPath& path : per_class) {
        const PathPoint* point = path.at(mu);
        if (!point || point->filters.empty()) continue;
        sum += static_cast<double>(point->filters.size());
        ++classes_with_any;
    }
    return classes_with_any ? sum / classes_with_any : unknown;
}

std::string Metric::text(double value) const { return curve.empty() ? compact(value) : decimal(value); }

std::string Metric::text(const Range& range) const {
    return range.known() ? "[" + text(range.low) + ", " + text(range.high) + "]" : std::string();
}

const Metric* EvaluatedMethod::metric(const std::string& wanted) const {
    const auto found =
        std::find_if(metrics.begin(), metrics.end(), [&](const Metric& metric) { return metric.name == wanted; });
    return found == metrics.end() ? nullptr : &*found;
}

const EvaluatedMethod* Evaluation::method(const std::string& name) const {
    const auto found = std::find_if(methods.begin(), methods.end(), [&](const EvaluatedMethod& m) { return m.name == name; });
    return found == methods.end() ? nullptr : &*found;
}

std::vector<std::string> Evaluation::metrics() const {
    std::vector<std::string> names;
    for (const EvaluatedMethod& evaluated : methods)
        for (const Metric& metric : evaluated.metrics)
            if (std::find(names.begin(), names.end(), metric.name) == names.end()) names.push_back(metric.name);
    return names;
}

std::string Evaluation::leading_metric() const {
    const std::vector<std::string> names = metrics();
    for (const std::string& name : names)
        for (const EvaluatedMethod& evaluated : methods)
            if (const Metric* found = evaluated.metric(name); found && !found->curve.empty()) return name;
    return names.empty() ? std::string() : names[0];
}

bool Evaluation::measures(const std::string& metric) const {
    return std::any_of(methods.begin(), methods.end(), [&](const EvaluatedMethod& m) { return m.metric(metric) != nullptr; });
}

std::optional<Difference> Evaluation::difference(const std::string& metric, const std::string& a, const std::string& b) const {
    for (const Difference& stored : differences) {
        if (stored.metric != metric) continue;
        if (stored.a == a && stored.b == b) return stored;
        if (stored.a == b && stored.b == a)
            return Difference{metric, a, b, -stored.value, {-stored.ci.high, -stored.ci.low}, stored.decided};
    }
    return std::nullopt;
}

std::optional<PaperValue> Evaluation::paper_value(const std::string& method_name, const std::string& metric) const {
    for (const PaperValue& value : paper)
        if (value.method == method_name && value.metric == metric) return value;
    return std::nullopt;
}

const EvaluatedMethod* Evaluation::best(const std::string& metric, bool among_baselines) const {
    const EvaluatedMethod* leader = nullptr;
    for (const EvaluatedMethod& candidate : methods) {
        const Metric* score = candidate.metric(metric);
        if (candidate.baseline != among_baselines || !score || !std::isfinite(score->mean)) continue;
        const double lead = leader ? score->mean - leader->metric(metric)->mean : 0;
        if (!leader || (score->higher_is_better ? lead > 0 : lead < 0)) leader = &candidate;
    }
    return leader;
}

std::string Results::class_name(int64_t index) const {
    if (index >= 0 && index < static_cast<int64_t>(classes.size())) return classes[static_cast<size_t>(index)];
    return "class " + std::to_string(index);
}

}  // namespace spikelens::report

#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/report/report.h"

namespace spikelens::report {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// What was made of a network, whether by training or by import.
struct Training {
    const MadeRun& made;
    const NetworkSummary& network;
    bool diverged = false;                       ///< nothing measured of it means anything
    double samples_of(size_t true_class) const;  ///< test samples of a class, the undecided among them
    bool silent() const { return made.test.samples > 0 && made.test.undecided == made.test.samples; }
};

/// The results as the sections read them.
struct Results {
    std::optional<Training> train;
    std::optional<InterpretResult> interpret;  ///< the filters of every point of a path by weight, largest first
    std::optional<EvaluateResult> evaluate;
    std::vector<std::string> classes;  ///< from whichever result names them

    std::string class_name(int64_t index) const;  ///< "class 7" when it has no name
};
/// `data` must outlive what it gives.
Results read_results(const ReportData& data);

/// "conv2.17"
template <class Filter>
std::string name_of(const Filter& filter) {
    return filter.layer + "." + std::to_string(filter.filter);
}

/// The larger of KKT residual and duality gap over the points; NaN when none is known.
double worst_residual(const ClassPath& path);
/// Residuals above this count as not converged.
constexpr double kOptimalityTolerance = 1e-9;

/// The point nearest in μ; null without points.
const PathPoint* point_at(const ClassPath& path, double mu);
const AblationSummary::Point* point_at(const AblationSummary& ablation, double mu);

/// Filters per class at the chosen μ, as interpret counts them: over all classes that have test samples.
double mean_selected(const InterpretResult& interpretation);

/// Areas under curves and their differences with three decimals, others with four digits.
std::string text_of(const MetricScore& unit, double value);
std::string text_of(const MetricScore& unit, const Interval& interval);  ///< "[0.847, 0.891]", empty when unknown
inline std::string text_of(const MetricScore& score) { return text_of(score, score.mean); }
inline bool higher_is_better(const MetricScore& score) { return score.better != "lower"; }

std::vector<std::string> metrics_of(const EvaluateResult& evaluation);  ///< in order of first appearance
/// What the best explanation is told by: the first metric with a curve, or the first; empty without any.
std::string leading_metric(const EvaluateResult& evaluation);
/// Best mean among the methods (or among the sanity baselines); null when none has the metric.
const EvaluatedMethod* best(const EvaluateResult& evaluation, const std::string& metric, bool among_baselines);
const PaperValue* paper_value(const EvaluateResult& evaluation, const std::string& method, const std::string& metric);

}  // namespace spikelens::report

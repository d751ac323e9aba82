#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/report/report.h"

namespace spikelens::report {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// A 95 % interval; unknown (NaN) when there is none, as with one sample.
struct Range {
    double low = unknown, high = unknown;
    bool known() const { return std::isfinite(low) && std::isfinite(high); }
    bool holds(double value) const { return known() && low <= value && value <= high; }
};

struct Training {
    std::string data, network;
    std::vector<std::string> classes;
    std::vector<double> losses, epoch_accuracy;
    double accuracy = unknown, train_accuracy = unknown;
    Range accuracy_ci;
    int64_t samples = 0, parameters = 0;
    int64_t undecided = 0;                       ///< test samples for which no class was predicted
    bool diverged = false;                       ///< the loss left all numbers: nothing measured of it means anything
    std::vector<std::vector<double>> confusion;  ///< [true][predicted], without the undecided
    std::vector<double> confusion_undecided;     ///< undecided samples per true class; empty: none
    double samples_of(size_t true_class) const;  ///< test samples of a class, the undecided among them
    bool silent() const { return samples > 0 && undecided == samples; }
};

struct WeightedFilter {
    std::string name;  ///< "conv2.17"
    double weight = 0;
};

struct PathPoint {
    double mu = unknown, kkt = unknown, gap = unknown;
    std::vector<WeightedFilter> filters;  ///< by weight, largest first
};

struct ClassPath {
    std::string name;
    int64_t predicted = 0;
    std::vector<PathPoint> points, breakpoints;
    double worst_residual() const;  ///< the larger of KKT residual and duality gap over the points; NaN when none is known
    const PathPoint* at(double mu) const;  ///< the point nearest in μ; null without points
};

struct FilterFacts {
    std::string name, layer;
    double mean_response = unknown, active_share = unknown;
    bool dead = false;
    int64_t receptive_field = 0;
};

struct AblationStep {
    double mu = unknown, filters = unknown;
    double relevant = unknown, relevant_ci = unknown, random = unknown, random_ci = unknown;
    std::vector<double> draws, class_relevant, class_random;  ///< NaN for a class without samples
};

struct AblationCurve {
    double full = unknown;
    int64_t samples = 0, draws = 0;
    std::vector<AblationStep> steps;
    const AblationStep* at(double mu) const;
};

struct Interpretation {
    std::string data, response;
    std::vector<std::string> classes, layers;
    std::vector<double> budgets;
    double chosen_mu = unknown, kkt = unknown, gap = unknown;
    int64_t samples = 0;
    std::vector<FilterFacts> filters;
    std::vector<ClassPath> per_class;
    std::vector<std::vector<double>> layer_counts;  ///< [budget][layer]
    AblationCurve ablation;
    double mean_selected(double mu) const;  ///< filters per class, over the classes that have any
};

struct Metric {
    std::string name;
    bool higher_is_better = true;
    double mean = unknown;
    Range ci;
    int64_t samples = 0;
    std::vector<double> curve, curve_ci;         ///< empty for a metric that is no area under a curve
    std::string text(double value) const;        ///< areas and their differences with three decimals, others with four digits
    std::string text(const Range& range) const;  ///< "[0.847, 0.891]", empty when unknown
};

struct EvaluatedMethod {
    std::string name, title;
    bool baseline = false;
    double seconds = unknown;
    std::vector<Metric> metrics;
    int64_t zero_maps = 0, noise_maps = 0, constant_maps = 0;  ///< maps that say nothing
    const Metric* metric(const std::string& wanted) const;
};

struct Difference {
    std::string metric, a, b;
    double value = unknown;
    Range ci;
    bool decided = false;
};

struct PaperValue {
    std::string method, metric, source;
    double value = unknown;
};

struct Evaluation {
    std::string data, baseline;
    int64_t samples = 0, undecided = 0, seed = 0, pixels_per_step = 0, steps = 0, spike_steps = 0;
    std::vector<EvaluatedMethod> methods;
    std::vector<Difference> differences;
    std::vector<PaperValue> paper;
    const EvaluatedMethod* method(const std::string& name) const;
    std::vector<std::string> metrics() const;  ///< in order of first appearance
    /// What the best explanation is told by: the first metric with a curve, or the first; empty without any.
    std::string leading_metric() const;
    bool measures(const std::string& metric) const;  ///< some method has it
    /// a − b on this metric, whichever way round it was stored.
    std::optional<Difference> difference(const std::string& metric, const std::string& a, const std::string& b) const;
    std::optional<PaperValue> paper_value(const std::string& method, const std::string& metric) const;
    /// Best mean among the methods (or among the sanity baselines); null when none has the metric.
    const EvaluatedMethod* best(const std::string& metric, bool among_baselines) const;
};

/// The documents as values. Whatever a document lacks stays unknown: an incomplete run still has a report.
struct Results {
    std::optional<Training> train;
    std::optional<Interpretation> interpret;
    std::optional<Evaluation> evaluate;
    std::vector<std::string> classes;  ///< from whichever document names them

    std::string class_name(int64_t index) const;  ///< "class 7" when it has no name
};
Results read_results(const ReportData& data);

/// Residuals above this count as not converged.
constexpr double optimality_tolerance = 1e-9;

}  // namespace spikelens::report

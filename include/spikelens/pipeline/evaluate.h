#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

struct EvaluateOptions {
    std::string suite;  ///< suite_of() (pipeline/suite.h) names methods and metrics where none are; or empty
    std::vector<std::string> methods;  ///< empty: the suite's, else usual_methods() (pipeline/explainer.h)
    std::vector<std::string> metrics;  ///< empty: the suite's, else insertion and deletion, of pixels or spikes
    int64_t samples = 1000;            ///< of the test set, drawn by the seed; 0: all. A smaller set is taken whole
    /// Of each class only as many test samples, from the first on, as fill batches of so many, as loaders of one class
    /// do that drop their last batch; 0: all.
    int64_t whole_batches = 0;
    std::string coding;           ///< images are shown in; empty: the run's own
    std::filesystem::path masks;  ///< of the test set: IDX, unsigned bytes [samples, H, W], above 0 inside; or empty
    MetricOptions metric;         ///< its seed is that of methods and of the draw of samples too
    /// The program's words that measure these methods by these metrics again, for the manifest; may be empty.
    std::function<std::vector<std::string>(const std::vector<std::string>& methods,
                                           const std::vector<std::string>& metrics)>
        again;
    /// Is shown what was explained, a chunk of decided samples at a time; none of those whose scores the run held
    /// already.
    std::function<void(const ExplainedSamples&)> explained;
};

/// What a method scored by one metric: the mean over samples, and the mean curve where the metric has steps.
struct MetricScore {
    std::string metric;
    std::string better;  ///< "higher", "lower" or "none"
    double mean = std::numeric_limits<double>::quiet_NaN();
    Interval ci95;
    int64_t samples = 0;
    std::vector<double> curve, curve_ci95;  ///< `curve_ci95`: half widths, not a number as `Estimate` says

    static void fields(auto& self, auto& field) {
        field("metric", self.metric), field("better", self.better), field("mean", self.mean), field("ci95", self.ci95);
        field("samples", self.samples), field("curve", self.curve), field("curve_ci95", self.curve_ci95);
    }
};

struct EvaluatedMethod {
    std::string method, title;
    bool sanity_baseline = false;
    double seconds_per_explanation = 0;
    int64_t zero_maps = 0, noise_maps = 0, constant_maps = 0;  ///< maps that say nothing
    std::vector<MetricScore> metrics;                          ///< those that apply to it
    std::optional<std::string> completeness_baseline;
    std::optional<std::string> relevant, probe, surrogate;  ///< method_inputs() (pipeline/explainer.h)

    static void fields(auto& self, auto& field) {
        field("method", self.method), field("title", self.title), field("sanity_baseline", self.sanity_baseline);
        field("seconds_per_explanation", self.seconds_per_explanation), field("zero_maps", self.zero_maps);
        field("noise_maps", self.noise_maps), field("constant_maps", self.constant_maps),
            field("metrics", self.metrics);
        field("completeness_baseline", self.completeness_baseline), field("relevant", self.relevant);
        field("probe", self.probe), field("surrogate", self.surrogate);
    }

    const MetricScore* metric(const std::string& name) const;  ///< null where it has none
};

/// The mean of a − b over the same samples.
struct MetricDifference {
    std::string metric, a, b;
    double difference = std::numeric_limits<double>::quiet_NaN();
    Interval ci95;
    bool decided = false;  ///< the interval excludes 0

    static void fields(auto& self, auto& field) {
        field("metric", self.metric), field("a", self.a), field("b", self.b), field("difference", self.difference);
        field("ci95", self.ci95), field("decided", self.decided);
    }
};

struct PaperValue {
    std::string method, metric, source;
    double value = 0;

    static void fields(auto& self, auto& field) {
        field("method", self.method), field("metric", self.metric), field("source", self.source),
            field("value", self.value);
    }
};

/// evaluate.json. docs/formats.md describes the fields.
struct EvaluateResult {
    std::string command = "evaluate";
    std::string run, data, fingerprint;
    nlohmann::json identity;
    std::string input;                  ///< "images" or "recordings"
    std::optional<std::string> coding;  ///< of images shown as spikes
    int64_t samples = 0, undecided = 0;
    uint64_t seed = 1;
    std::string baseline;
    std::optional<std::string> insertion_baseline;  ///< where it is another one
    int64_t pixels_per_step = 0, steps = 0, spike_steps = 0;
    std::vector<std::string> metrics;
    std::vector<EvaluatedMethod> methods;
    std::vector<MetricDifference> differences;  ///< of every two methods, by every metric that both have
    std::vector<PaperValue> paper;              ///< what papers report for this data set and network

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("data", self.data);
        field("fingerprint", self.fingerprint), field("identity", self.identity), field("input", self.input);
        field.nullable("coding", self.coding), field("samples", self.samples), field("undecided", self.undecided);
        field("seed", self.seed), field("baseline", self.baseline);
        field("insertion_baseline", self.insertion_baseline), field("pixels_per_step", self.pixels_per_step);
        field("steps", self.steps), field("spike_steps", self.spike_steps), field("metrics", self.metrics);
        field("methods", self.methods), field("differences", self.differences), field("paper", self.paper);
    }

    const EvaluatedMethod* method(const std::string& name) const;  ///< null where it is not there
    /// Of a method by a metric; null where it is not there.
    const MetricScore* score(const std::string& method, const std::string& metric) const;
    bool measures(const std::string& metric) const;  ///< some method has it
    /// a − b by this metric, whichever way round it is stored.
    std::optional<MetricDifference> difference(const std::string& metric, const std::string& a,
                                               const std::string& b) const;
};

/// Measures explanations of test samples. The run keeps each method's scores in a file of its own and all results of
/// one protocol (model, data, coding, samples, seed, options) in evaluate.json: methods and metrics join those that it
/// holds; results of another protocol are replaced, which a line says. Of a suite a line also says how long it takes.
/// When the work is cancelled the samples measured so far are kept and Cancelled is thrown on. The caller holds the
/// run's lock.
///
/// Throws InputError for methods, metrics and options that cannot be used, data that are not the run's, maps that are
/// not finite, and result files that say something else than they should.
EvaluateResult evaluate(const Run& run, const EvaluateOptions& options, const Execution& execution,
                        const StageNotes& notes);

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/evaluate/evaluator.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

struct EvaluateOptions {
    std::vector<std::string> methods;  ///< empty: usual_methods() (pipeline/explainer.h)
    std::vector<std::string> metrics;  ///< empty: insertion and deletion, of pixels or, for recordings, of spikes
    int64_t samples = 1000;            ///< of the test set, drawn by the seed; 0: all. A smaller set is taken whole
    std::string coding;                ///< images are shown in; empty: the run's own
    MetricOptions metric;              ///< its seed is that of methods and of the draw of samples too
    /// The program's words that measure these methods by these metrics again, for the manifest; may be empty.
    std::function<std::vector<std::string>(const std::vector<std::string>& methods, const std::vector<std::string>& metrics)>
        again;
    /// Is shown what was explained, a chunk of decided samples at a time; none of those whose scores the run held already.
    std::function<void(const ExplainedSamples&)> explained;
};

/// evaluate.json. docs/formats.md describes the fields.
struct EvaluateResult {
    struct Method {
        MethodSpec method;
        nlohmann::json inputs;  ///< method_inputs() (pipeline/explainer.h)
        std::optional<std::string> completeness_baseline;
        MethodScores scores;  ///< of `metrics` that it is through with
    };
    std::string run, data, fingerprint;
    nlohmann::json identity;
    bool recordings = false;
    std::optional<std::string> coding;  ///< of images shown as spikes
    int64_t samples = 0, undecided = 0;
    std::string baseline;
    uint64_t seed = 1;
    int64_t pixels_per_step = 0, steps = 0, spike_steps = 0;
    std::vector<std::string> metrics;
    std::vector<Method> methods;
    std::string network;  ///< its text form, by which the papers' values are found

    /// With each metric's mean and interval, and the paired differences.
    nlohmann::json document() const;
};

/// Measures explanations of test samples. The run keeps each method's scores in a file of its own and all results of one
/// protocol (model, data, coding, samples, seed, options) in evaluate.json: methods and metrics join those that it holds;
/// results of another protocol are replaced, which a line says. When the work is cancelled the samples measured so far are
/// kept and Cancelled is thrown on. The caller holds the run's lock.
///
/// Throws InputError for methods, metrics and options that cannot be used, data that are not the run's, maps that are not
/// finite, and result files that say something else than they should.
EvaluateResult evaluate(const Run& run, const EvaluateOptions& options, const Execution& execution, const StageNotes& notes);

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/io/json_fields.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

struct InterpretOptions {
    double mu = 2;    ///< the budget whose filters are shown and used for heatmaps
    int mu_max = 50;  ///< budgets 1 … so many are swept, with `mu`
    ResponseKind response = ResponseKind::energy;
    bool is_signed = false;          ///< weights may be negative
    int draws = 5;                   ///< random filter sets per class and size
    uint64_t seed = 1;               ///< of the draws
    int64_t samples = 0;             ///< the first so many of the training set; 0: all
    int64_t probe_samples = 0;       ///< fit probes to so many training images; 0: none
    std::vector<std::string> again;  ///< the program's words that make it again, for the manifest
};

struct FilterSummary {
    int64_t index = 0;
    std::string layer;
    int filter = 0;
    double mean_response = 0, active_share = 0;
    bool dead = false;
    int64_t receptive_field = 0;

    static void fields(auto& self, auto& field) {
        field("index", self.index), field("layer", self.layer), field("filter", self.filter);
        field("mean_response", self.mean_response), field("active_share", self.active_share), field("dead", self.dead);
        field("receptive_field", self.receptive_field);
    }
};

struct WeightedFilter {
    std::string layer;
    int filter = 0;
    int64_t index = 0;
    double weight = 0;

    static void fields(auto& self, auto& field) {
        field("layer", self.layer), field("filter", self.filter), field("index", self.index),
            field("weight", self.weight);
    }
};

struct PathPoint {
    double mu = 0, l1 = 0, objective = 0, kkt_residual = 0, duality_gap = 0;
    std::vector<WeightedFilter> filters;

    static void fields(auto& self, auto& field) {
        field("mu", self.mu), field("l1", self.l1), field("objective", self.objective);
        field("kkt_residual", self.kkt_residual), field("duality_gap", self.duality_gap),
            field("filters", self.filters);
    }
};

struct ClassPath {
    int64_t index = 0;
    std::string name;
    int64_t predicted_samples = 0;
    std::vector<PathPoint> path, breakpoints;

    static void fields(auto& self, auto& field) {
        field("class", self.index), field("name", self.name), field("predicted_samples", self.predicted_samples);
        field("path", self.path), field("breakpoints", self.breakpoints);
    }
};

/// Relevant filters per layer at one budget: { "mu": 1, "conv1": 12, "conv2": 14 }
struct LayerCounts {
    double mu = 0;
    std::map<std::string, int64_t> filters;

    nlohmann::json document() const;
    static LayerCounts read(const JsonField& field);
};

struct AblationSummary {
    using Point = AblationPoint;
    int64_t samples = 0;
    int draws = 0;
    double full_accuracy = 0;  ///< nothing silenced, mean over classes
    std::vector<Point> curve;

    static void fields(auto& self, auto& field) {
        field("samples", self.samples), field("draws", self.draws), field("full_accuracy", self.full_accuracy);
        field("curve", self.curve);
    }
};

/// interpret.json. docs/formats.md describes the fields.
struct InterpretResult {
    std::string command = "interpret";
    std::string run, data, fingerprint;
    nlohmann::json identity;
    std::string relevant;  ///< digest of the identity of relevant.json
    std::vector<std::string> classes;
    int64_t samples = 0, undecided = 0;
    std::string response;
    bool non_negative = true;
    double chosen_mu = 0;
    std::vector<double> mu;
    double kkt_residual = 0, duality_gap = 0;
    std::vector<std::string> layers;
    std::vector<FilterSummary> filters;
    std::vector<ClassPath> per_class;
    std::vector<LayerCounts> layer_distribution;
    AblationSummary ablation;
    uint64_t seed = 1;
    std::map<std::string, double> seconds;  ///< of responses, lasso, ablation and visualisations

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("data", self.data);
        field("fingerprint", self.fingerprint), field("identity", self.identity), field("relevant", self.relevant);
        field("classes", self.classes), field("samples", self.samples), field("undecided", self.undecided);
        field("response", self.response), field("non_negative", self.non_negative), field("chosen_mu", self.chosen_mu);
        field("mu", self.mu), field("kkt_residual", self.kkt_residual), field("duality_gap", self.duality_gap);
        field("layers", self.layers), field("filters", self.filters), field("per_class", self.per_class);
        field("layer_distribution", self.layer_distribution), field("ablation", self.ablation);
        field("seed", self.seed), field("seconds", self.seconds);
    }
};

/// Finds the filters that drive each class (SVEBI), silences them, draws what they see, and fits probes where asked.
/// Each of the five results is a file of the run; one that is there and was made of the same inputs is used, and a line
/// says what is made anew. When the work is cancelled the responses of the samples so far are kept and Cancelled is
/// thrown on. The caller holds the run's lock.
///
/// Throws InputError for options that cannot be used, a network without filters, data that are not the run's, and
/// result files that say something else than they should.
InterpretResult interpret_run(const Run& run, const InterpretOptions& options, const Execution& execution,
                              const StageNotes& notes);

}  // namespace spikelens

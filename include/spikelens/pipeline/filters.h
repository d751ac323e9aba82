#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

struct FiltersOptions {
    int64_t train_samples = 2000;  ///< the first so many of the training set tell evidence and stability; 0: all
    int64_t samples = 0;           ///< the first so many of the test set, on which filters are silenced; 0: all
    int draws = 5;                 ///< random filter sets per class and size
    int bootstraps = 20;           ///< of the training samples; 0: stability is not measured
    double least_active = 0.01;    ///< live filters spike in this share of the training samples, or more
    uint64_t seed = 1;
    std::vector<std::string> again;  ///< the program's words that make it again, for the manifest
};

/// One way to choose filters, each time as many for a class as the μ-lasso has.
struct FilterSelection {
    struct Point {
        double mu = 0, mean_filters = 0, accuracy = 0, ci95 = 0;

        static void fields(auto& self, auto& field) {
            field("mu", self.mu), field("mean_filters", self.mean_filters);
            field("accuracy", self.accuracy), field("ci95", self.ci95);
        }
    };
    std::string name;          ///< "lasso", "standardised", "share", …
    std::vector<Point> curve;  ///< accuracy on the samples of a class with its filters silenced, mean over classes
    double area = 0,
           area_ci95 = 0;  ///< mean over the budgets of (accuracy without random live filters) − (that without its)
    double stability =
        0;  ///< mean over bootstraps and classes of |A ∩ B|/|A ∪ B| with the own choice; NaN: not measured

    static void fields(auto& self, auto& field) {
        field("name", self.name), field("curve", self.curve), field("area", self.area);
        field("area_ci95", self.area_ci95), field("stability", self.stability);
    }
};

struct FilterOfClass {
    std::string layer;
    int filter = 0;
    int64_t index = 0;
    bool live = false, relevant = false;  ///< relevant: to the μ-lasso at the chosen μ
    double chosen = 0;                    ///< in which share of the bootstraps the μ-lasso chose it; NaN: not measured
    std::map<std::string, double> evidence;  ///< by each rule, mean over the samples predicted as the class

    static void fields(auto& self, auto& field) {
        field("layer", self.layer), field("filter", self.filter), field("index", self.index), field("live", self.live);
        field("relevant", self.relevant), field("chosen", self.chosen), field("evidence", self.evidence);
    }
};

struct ClassFilters {
    int64_t index = 0;
    std::string name;
    std::vector<FilterOfClass> filters;  ///< by evidence (share), the largest first

    static void fields(auto& self, auto& field) {
        field("class", self.index), field("name", self.name), field("filters", self.filters);
    }
};

/// filters.json. docs/formats.md describes the fields.
struct FiltersResult {
    std::string command = "filters";
    std::string run, data, fingerprint;
    nlohmann::json identity;
    std::string relevant;  ///< digest of the identity of relevant.json
    int64_t train_samples = 0, samples = 0, live = 0;
    int draws = 0, bootstraps = 0;
    double least_active = 0, chosen_mu = 0, full_accuracy = 0;
    std::vector<FilterSelection> selections;
    std::vector<ClassFilters> per_class;
    uint64_t seed = 1;

    static void fields(auto& self, auto& field) {
        field("command", self.command), field("run", self.run), field("data", self.data);
        field("fingerprint", self.fingerprint), field("identity", self.identity), field("relevant", self.relevant);
        field("train_samples", self.train_samples), field("samples", self.samples), field("live", self.live);
        field("draws", self.draws), field("bootstraps", self.bootstraps), field("least_active", self.least_active);
        field("chosen_mu", self.chosen_mu), field("full_accuracy", self.full_accuracy);
        field("selections", self.selections), field("per_class", self.per_class), field("seed", self.seed);
    }
};

/// Which way to choose filters finds those that matter? Ranks each class's filters by evidence (attribute/evidence.h),
/// by the μ-lasso as it is and with standardised responses of live filters (interpret/selection.h), by both (hybrid),
/// and by response; silences as many as the run's μ-lasso chose at each of its μ, beside random and random live ones;
/// and tells how stable each choice is under bootstraps of the training samples. The caller holds the run's lock.
///
/// Throws InputError for options that cannot be used, and unless the run has relevant filters.
FiltersResult compare_filters(const Run& run, const FiltersOptions& options, const Execution& execution,
                              const StageNotes& notes);

}  // namespace spikelens

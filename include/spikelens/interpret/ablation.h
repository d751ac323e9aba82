#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/samples.h"
#include "spikelens/interpret/relevant_filters.h"

namespace spikelens {

struct AblationOptions {
    int random_draws = 5;
    uint64_t seed = 1;
};

/// Accuracy on the samples of class j with filters silenced, averaged over classes (SVEBI Sec. 5, ablation). Scores
/// that name no class (undecided, snn/decision.h), as of a network that falls silent, are wrong.
struct AblationPoint {
    double mu = 0;
    double relevant_accuracy = 0;
    double random_accuracy = 0;          ///< mean over draws
    std::vector<double> random_draws;    ///< each draw's mean over classes
    std::vector<double> class_relevant;  ///< per class, relevant filters ablated
    std::vector<double> class_random;    ///< per class, mean over draws
    double relevant_ci95 = 0;            ///< half-width over samples (stratified by class)
    double random_ci95 = 0;
    double mean_filters = 0;  ///< filters ablated, mean over classes

    static void fields(auto& self, auto& field) {
        field("mu", self.mu), field("mean_filters", self.mean_filters);
        field("relevant_accuracy", self.relevant_accuracy), field("relevant_ci95", self.relevant_ci95);
        field("random_accuracy", self.random_accuracy), field("random_ci95", self.random_ci95);
        field("random_draws", self.random_draws), field("class_relevant", self.class_relevant);
        field("class_random", self.class_random);
    }
};

struct Ablation {
    double full_accuracy = 0;            ///< nothing ablated, averaged over classes
    std::vector<int64_t> class_samples;  ///< samples per true class; classes without samples are left out of the means
    std::vector<AblationPoint> curve;    ///< one per μ

    static void fields(auto& self, auto& field) {
        field("full_accuracy", self.full_accuracy), field("class_samples", self.class_samples),
            field("curve", self.curve);
    }
};

/// For every μ: the relevant filters of class j against as many random ones (drawn from all response filters), on the
/// samples whose label is j. Equal filter sets are simulated once. Random filters are addressed by (seed, class, count,
/// draw), so budgets with as many filters share them. Values of classes without samples are NaN. Throws InputError when
/// the images or the relevant filters do not fit the network, a label is out of range, there are no samples, or
/// random_draws < 1.
Ablation ablate(const Engine& engine, const SampleSource& samples, const RelevantFilters& relevant,
                const AblationOptions& options);

/// Which samples are still classified right with some filters silenced.
struct SilencedOutcomes {
    std::vector<std::vector<int64_t>> samples;             ///< of each class, by true label
    std::vector<std::vector<std::vector<uint8_t>>> right;  ///< [set][class][sample of the class], 0 or 1
};

/// For each set i the filters sets[i][j] are silenced on the samples whose label is j. Equal filter sets of a class are
/// simulated once. Throws InputError as ablate, and unless each set has filters for every class.
SilencedOutcomes silence(const Engine& engine, const SampleSource& samples,
                         std::span<const std::vector<std::vector<FilterIndex>>> sets);

/// The mean over classes that have samples, of a value for each sample [class][sample], with the half-width of its 95 %
/// interval over samples (by class; not a number where a class has but one, or where all are fewer than 6, and equal).
struct ClassMeanEstimate {
    double mean = 0, ci95 = 0;
};
ClassMeanEstimate mean_over_classes(const std::vector<std::vector<double>>& values);

/// Relevant filters per layer at each μ, summed over classes: [budgets, network.layers].
Array<int64_t> layer_distribution(const Network& network, const RelevantFilters& relevant);

/// Throws InputError unless the relevant filters are of this network: its filters, a path for each class.
void check_relevant(const Network& network, const RelevantFilters& relevant);

}  // namespace spikelens

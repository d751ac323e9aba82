#pragma once

#include <vector>

#include "spikelens/reproduce/reproduce.h"

#include "experiment.h"

namespace spikelens {

/// Options of the i-th of several seeds.
ReproduceOptions of_seed(const ReproduceOptions& options, int index);

/// What all seeds say together: of numbers the mean and the half-width of its 95 % interval (Student's t over seeds),
/// the paper's against it by holds(); of others for how many seeds the claim held, held where it did for all, not
/// where for none.
std::vector<PaperClaim> over_seeds(const std::vector<SeedClaims>& seeds);

/// The experiment with each seed: the first one's result, and claims over all, which its report shows too.
template <class Result, class One>
Result with_seeds(const ReproduceOptions& options, const Execution& execution, const StageNotes& notes,
                  const ReportOptions& reporting, const One& one) {
    Experiment experiment(options, execution, notes);
    Result first = one(experiment, options);
    if (options.seeds > 1) first.seeds.push_back({options.seed, first.run, first.claims});
    for (int i = 1; i < options.seeds; ++i) {
        const ReproduceOptions other = of_seed(options, i);
        Experiment again(other, execution, notes);
        const Result result = one(again, other);
        again.conclude(result.experiment, result.claims, {}, reporting);
        first.seeds.push_back({other.seed, result.run, result.claims});
    }
    if (options.seeds > 1) first.claims = over_seeds(first.seeds);
    first.report = experiment.conclude(first.experiment, first.claims, first.seeds, reporting);
    return first;
}

}  // namespace spikelens

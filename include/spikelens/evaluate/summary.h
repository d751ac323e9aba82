#pragma once

#include <vector>

#include "spikelens/evaluate/perturbation.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {

/// A metric over all samples: the mean AUC, and the mean curve with its interval at each step.
struct PerturbationSummary {
    Estimate auc;
    std::vector<Estimate> curve;  ///< n + 1 points
};

/// Throws InputError when the result does not hold one curve for each AUC.
PerturbationSummary summarise(const PerturbationResult& result);

}  // namespace spikelens

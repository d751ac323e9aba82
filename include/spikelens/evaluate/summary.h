#pragma once

#include <vector>

#include "spikelens/evaluate/perturbation.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {

/// A metric over all samples: the mean value (AUC), and the mean curve with its interval at each step.
struct PerturbationSummary {
    Estimate auc;
    std::vector<Estimate> curve;  ///< n + 1 points; none for a metric without steps
};

/// Throws InputError when the result has curves, but not one for each value.
PerturbationSummary summarise(const PerturbationResult& result);

}  // namespace spikelens

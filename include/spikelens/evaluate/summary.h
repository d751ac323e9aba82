#pragma once

#include <vector>

#include "spikelens/evaluate/metric_result.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {

/// A metric over all samples: the mean value, and the mean curve with its interval at each step.
struct MetricSummary {
    Estimate value;
    std::vector<Estimate> curve;  ///< n + 1 points; none for a metric without steps
};

/// Throws InputError when the result has curves, but not one for each value.
MetricSummary summarise(const MetricResult& result);

}  // namespace spikelens

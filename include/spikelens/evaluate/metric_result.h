#pragma once

#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// What a metric found, sample by sample.
struct MetricResult {
    std::vector<double> values;  ///< one for each sample, in the metric's own unit
    FloatArray curves;           ///< [N, points] what the values come from; empty of a metric without steps

    bool operator==(const MetricResult&) const = default;
};

/// Puts more samples of the same metric behind those of `all`.
void append(MetricResult& all, const MetricResult& more);

}  // namespace spikelens

#pragma once

#include <string_view>
#include <vector>

#include "spikelens/evaluate/perturbation.h"

namespace spikelens {

/// Every metric, in the order of tables: insertion and deletion (perturbation.h), spike_insertion and spike_deletion
/// (spike_perturbation.h), sensitivity and randomisation (robustness.h), completeness (attribute/completeness.h: the gap).
const std::vector<MetricInfo>& all_metrics();

/// Throws InputError that names the nearest.
const MetricInfo& find_metric(std::string_view name);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/evaluate/accuracy.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/statistics.h"

namespace spikelens {

/// The parts of the documents that the commands print (docs/formats.md): what each result looks like as JSON.

/// [low, high]; null where there is no interval
nlohmann::json interval_document(const Estimate& estimate);

/// One entry of "metrics"; without curves where the metric has none
nlohmann::json metric_document(const MetricInfo& metric, const MetricResult& result);
/// One entry of "differences": a − b over the same samples
nlohmann::json difference_document(const MetricInfo& metric, const std::string& a, const std::vector<double>& auc_a,
                                   const std::string& b, const std::vector<double>& auc_b);

/// What the papers report for this data set and network ("paper"); empty when they do not.
nlohmann::json paper_document(const std::string& data, const std::string& network_text);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/evaluate/accuracy.h"
#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/statistics.h"
#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/relevant_filters.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// The parts of the documents that the commands print (docs/formats.md): what each result looks like as JSON.

/// { "text", "input", "steps", "parameters" }
nlohmann::json network_document(const Network& network);
/// [ { "epoch", "loss", "accuracy", "seconds", "diverged" }, … ]
nlohmann::json epochs_document(const TrainState& state, int64_t classes);
/// "test_accuracy", "test_accuracy_ci95", "test_samples", "test_undecided", "test_silent", "confusion", "confusion_undecided"
nlohmann::json accuracy_document(const Accuracy& accuracy, const std::string& prefix, bool with_confusion);
/// [low, high]; null where there is no interval
nlohmann::json interval_document(const Estimate& estimate);

/// "filters": one per row of the responses
nlohmann::json filters_document(const Network& network, const Responses& responses);
/// "per_class": the μ paths
nlohmann::json paths_document(const Network& network, const RelevantFilters& relevant, const Responses& responses);
/// "layer_distribution"
nlohmann::json distribution_document(const Network& network, const RelevantFilters& relevant);
/// "ablation"
nlohmann::json ablation_document(const Ablation& ablation, int draws);

/// One entry of "metrics"; without curves where the metric has none
nlohmann::json metric_document(const MetricInfo& metric, const MetricResult& result);
/// One entry of "differences": a − b over the same samples
nlohmann::json difference_document(const MetricInfo& metric, const std::string& a, const std::vector<double>& auc_a,
                                   const std::string& b, const std::vector<double>& auc_b);

/// What the papers report for this data set and network ("paper"); empty when they do not.
nlohmann::json paper_document(const std::string& data, const std::string& network_text);

}  // namespace spikelens

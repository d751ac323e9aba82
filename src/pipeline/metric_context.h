#pragma once

#include <filesystem>

#include "spikelens/evaluate/metric.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/run_data.h"

namespace spikelens {

/// What metrics may use beside the explanations of a run's test set: `shuffled` explains the network with shuffled
/// weights, or is null; `masks_file` has one mask for each test sample, or is empty. The data outlive it. Throws
/// InputError for masks of another shape, and where one of the `measured` test samples has nothing or everything
/// inside.
MetricContext metric_context(const Explainer& explainer, const Explainer* shuffled, const RunData& data,
                             const std::filesystem::path& masks_file, std::span<const int64_t> measured);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include "spikelens/pipeline/evaluate.h"

namespace spikelens::report {

/// The explanations (no sanity baselines) whose mean is the best, in the order of the evaluation: more than one where
/// they are equal.
std::vector<std::string> equal_leaders(const EvaluateResult& evaluation, const std::string& metric);

}  // namespace spikelens::report

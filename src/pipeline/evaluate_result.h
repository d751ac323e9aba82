#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikelens/evaluate/evaluator.h"
#include "spikelens/pipeline/evaluate.h"

namespace spikelens {

/// A method with its scores, sample by sample.
struct MeasuredMethod {
    MethodSpec method;
    nlohmann::json inputs;  ///< method_inputs() (pipeline/explainer.h)
    std::optional<std::string> completeness_baseline;
    MethodScores scores;
    std::vector<std::string> complete;  ///< metrics that it is through with, those that do not apply to it too
};

/// Puts each method's means and intervals into the result, and the paired differences, in the order of its metrics.
void add_scores(EvaluateResult& result, const std::vector<MeasuredMethod>& measured);

/// What the papers report for this data set and network; empty when they do not.
std::vector<PaperValue> paper_values(const EvaluateResult& result, const std::string& network_text);

}  // namespace spikelens

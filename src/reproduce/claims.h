#pragma once

#include <string>
#include <vector>

#include "spikelens/pipeline/claims.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/interpret.h"

namespace spikelens {

/// A number against the paper's, by holds() (pipeline/claims.h).
PaperClaim number_claim(const std::string& claim, double paper, double measured, const Interval& ci95);
/// Relevant filters silenced hurt more than random: by the interval of the difference, of two independent means.
PaperClaim ablation_claim(const AblationSummary::Point& point);
/// `better` beats `worse` on the metric: by the interval of the paired difference.
PaperClaim order_claim(const EvaluateResult& evaluate, const std::string& better, const std::string& worse,
                       const std::string& metric);

}  // namespace spikelens

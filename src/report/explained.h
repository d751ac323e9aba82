#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/pipeline/explainer.h"
#include "spikelens/report/report.h"

namespace spikelens {

/// Explains samples of `data` by every method of `explainer`, for a report of this kind of input and so many steps:
/// fills its `methods`, `images` and `window_steps`.
void explain_samples(const Explainer& explainer, const SampleSource& data, const std::vector<int64_t>& chosen,
                     const Execution& execution, ReportData& report);

}  // namespace spikelens

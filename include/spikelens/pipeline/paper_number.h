#pragma once

#include <optional>

#include "spikelens/pipeline/made_run.h"

namespace spikelens {

/// Whether a paper's number lies in our interval. Absent without an interval, and where the number lies in one that is
/// wider than a tenth of it on either side: that holds nearly anything.
std::optional<bool> holds(double paper, const Interval& ours);

}  // namespace spikelens

#pragma once

#include <string>

#include "spikelens/pipeline/made_run.h"

namespace spikelens {

/// What must be said beside accuracies: samples for which no class was predicted, and inputs that hold nothing. One
/// line each; empty when there are none. `set` is "test" or "training".
std::string accuracy_remarks(const AccuracySummary& accuracy, const std::string& set);

}  // namespace spikelens

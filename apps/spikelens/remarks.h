#pragma once

#include <string>

#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/made_run.h"

namespace spikelens::app {

/// What must be said beside accuracies: samples for which no class was predicted, and inputs that hold nothing. One line each;
/// empty when there are none. `set` is "test" or "training".
std::string accuracy_remarks(const AccuracySummary& accuracy, const std::string& set);
std::string accuracy_remarks(const MadeRun& made);

/// What must be said beside the relevant filters: samples that spoke for no class. One line; empty when there are none.
std::string interpretation_remarks(const InterpretResult& result);

/// What must be said beside the table of `evaluate`: samples left out since no class was predicted, each method's own baseline
/// of completeness, and maps that say nothing. One line each; empty when there is nothing to say.
std::string evaluation_remarks(const EvaluateResult& result);

}  // namespace spikelens::app

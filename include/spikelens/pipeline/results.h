#pragma once

#include <optional>

#include "spikelens/pipeline/claims.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/filters.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"
#include "spikelens/pipeline/train.h"

namespace spikelens {

/// The results of a run's stages; none of a stage that was not run.
struct RunResults {
    std::optional<TrainResult> train;    ///< this …
    std::optional<ImportResult> import;  ///< … or this, by which the run was made
    std::optional<InterpretResult> interpret;
    std::optional<FiltersResult> filters;
    std::optional<EvaluateResult> evaluate;
    std::optional<ClaimsResult> claims;  ///< where an experiment made the run
};

/// What the run's documents hold of the run as it is. A line says what is left out: a result of another model, data or
/// filters, and evaluated methods whose filters, probes or surrogate are others now. Throws InputError for a document
/// that is not one of its stage, and for a training that is not this model's.
RunResults current_results(const Run& run, const StageNotes& notes);

}  // namespace spikelens

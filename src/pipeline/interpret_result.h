#pragma once

#include <string>

#include "spikelens/interpret/ablation.h"
#include "spikelens/interpret/relevant_filters.h"
#include "spikelens/interpret/responses.h"
#include "spikelens/pipeline/interpret.h"

namespace spikelens {

/// "energy", "l2"
std::string response_text(ResponseKind kind);

/// What the results of the stage say, for people: classes, samples, filters, paths, layers and ablation.
InterpretResult summary_of(const Network& network, const Responses& responses, const RelevantFilters& relevant,
                           const Ablation& ablation);

}  // namespace spikelens

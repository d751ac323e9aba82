#pragma once

#include <string>

#include "spikelens/pipeline/codings.h"
#include "spikelens/reproduce/reproduce.h"

#include "commands.h"

namespace spikelens::app {

void declare(OptionTable& table, CodingsOptions& options);

/// The words by which the library's studies say how their stages are run again.
StageWords stage_words(uint64_t seed);

}  // namespace spikelens::app

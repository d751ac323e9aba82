#pragma once

#include "spikelens/pipeline/codings.h"

#include "commands.h"

namespace spikelens::app {

/// compare_codings with the program's own: seed, words for manifests, locks. Codings and methods may hold commas.
Outcome run_codings(CodingsOptions options, const Globals& globals, Console& console);

}  // namespace spikelens::app

#pragma once

#include "spikelens/pipeline/codings.h"

#include "commands.h"

namespace spikelens::app {

/// compare_codings with the program's own: seed, words for manifests, locks. Codings and methods may hold commas.
CodingsResult call_codings(CodingsOptions options, const Globals& globals, Console& console);
std::string text_of(const CodingsResult& result);

}  // namespace spikelens::app

#pragma once

#include <string>
#include <vector>

#include "spikelens/reproduce/reproduce.h"

#include "commands.h"

namespace spikelens::app {

Outcome reproduce_coding_fashion(const ReproduceOptions& options, const Globals& globals, Console& console);
std::string claims_text(const std::vector<PaperClaim>& claims);

}  // namespace spikelens::app

#pragma once

#include <nlohmann/json.hpp>

#include "spikelens/evaluate/statistics.h"

namespace spikelens {

/// The parts of the documents that the commands print (docs/formats.md): what each result looks like as JSON.

/// [low, high]; null where there is no interval
nlohmann::json interval_document(const Estimate& estimate);

}  // namespace spikelens

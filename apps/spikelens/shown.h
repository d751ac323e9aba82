#pragma once

#include <span>
#include <string>
#include <vector>

#include "run_directory.h"

namespace spikelens::app {

/// What is shown of single samples unless methods are named, without what the run lacks (relevant filters; a line says so when
/// they are of another model or other data).
std::vector<std::string> shown_methods(const OpenRun& run, bool spiking, Console& console);

/// The same numbers for each row: softmax of scores.
std::vector<float> softmax(std::span<const float> scores);

}  // namespace spikelens::app

#pragma once

#include <vector>

#include "page.h"
#include "plot.h"

namespace spikelens::report {

/// Breakpoints and budgets together, μ ascending, each once.
std::vector<const PathPoint*> knots(const ClassPath& path);

/// Weight of every filter that is ever selected, over log μ. The strongest have colours, the others are grey.
LinePlot coefficient_plot(const ClassPath& path, const std::string& title);

/// The same numbers in long form: mu, filter, weight.
Table coefficient_table(const ClassPath& path);

}  // namespace spikelens::report

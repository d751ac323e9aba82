#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/evaluate/evaluator.h"
#include "spikelens/pipeline/identity.h"

namespace spikelens {

/// One method's scores as a file of a run (docs/formats.md).
void save_scores(const MethodScores& scores, const Identity& identity, const std::filesystem::path& path);
/// None where the file is missing or of another identity.
MethodScores load_scores(const Identity& identity, const std::filesystem::path& path);

/// Removes the files of scores in this folder that were made by another protocol: nothing reads them again. Files that
/// hold something else stay. Returns their names.
std::vector<std::string> remove_other_scores(const Identity& protocol, const std::filesystem::path& folder);

}  // namespace spikelens

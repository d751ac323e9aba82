#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/data/dataset.h"

namespace spikelens {

/// Whether a folder holds recordings in one of the two layouts that load_dataset describes; looks at a few names only.
bool holds_recordings(const std::filesystem::path& folder);

/// The recordings of such a folder. With `classes` its class folders or labels must be among them, else they are told
/// from the folder.
LoadedDataset load_recordings(const std::filesystem::path& folder, const std::string& name,
                              std::vector<std::string> classes, const Binning& binning, const Execution& execution);

}  // namespace spikelens

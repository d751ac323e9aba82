#pragma once

#include <filesystem>
#include <string>

#include "spikelens/data/dataset.h"

namespace spikelens {

/// The pictures of a folder that has a picture layout (picture_layout.h).
LoadedDataset load_pictures(const std::filesystem::path& folder, const std::string& name, const PictureOptions& options,
                            const Execution& execution);

}  // namespace spikelens

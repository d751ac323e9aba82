#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "spikelens/data/pictures.h"

namespace spikelens {

/// Where the pictures of a folder lie, as load_dataset describes it; their checksums are empty.
struct PictureLayout {
    std::vector<PictureFile> train, test;
    std::vector<std::string> classes;
};

/// Whether a folder holds pictures in CLASS/ or SPLIT/CLASS/; looks at a few names only.
bool has_picture_layout(const std::filesystem::path& folder);

/// The layout of a folder that has one. Throws InputError for a class without pictures, a class of the test pictures
/// that the training pictures do not have, and for a split where the folder has one, or none where it has none.
PictureLayout read_picture_layout(const std::filesystem::path& folder, const PictureOptions& options);

}  // namespace spikelens

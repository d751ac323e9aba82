#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/data/download.h"

namespace spikelens {

/// A data set known by name: its classes, and where its files are published.
struct KnownDataset {
    std::string name, title, licence;
    std::vector<std::string> classes;
    std::vector<std::string> mirrors;
    std::vector<RemoteFile> files;
    bool recordings = false;                   ///< of events, else images in IDX files
    std::vector<std::string> other_folders{};  ///< names, besides its own, under which it may lie in $SPIKELENS_DATA
};

const std::vector<KnownDataset>& registry();

/// nullptr when no data set has this name.
const KnownDataset* find_known(std::string_view name);

std::vector<std::string> known_names();

/// The folders where a data set may lie, most specific first.
std::vector<std::filesystem::path> places_of(const KnownDataset& known);

}  // namespace spikelens

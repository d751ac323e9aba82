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
};

const std::vector<KnownDataset>& registry();

/// nullptr when no data set has this name.
const KnownDataset* find_known(std::string_view name);

std::vector<std::string> known_names();

/// The folders where a data set of this name may lie, most specific first.
std::vector<std::filesystem::path> places_of(const std::string& name);

}  // namespace spikelens

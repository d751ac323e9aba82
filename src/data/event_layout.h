#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace spikelens {

struct RecordingFile {
    std::filesystem::path path;
    int label = 0;
};

/// Where the recordings of a folder lie, as load_dataset describes it.
struct EventLayout {
    std::vector<RecordingFile> train, test;
    std::vector<std::string> classes;
    std::vector<std::filesystem::path> lists;  ///< the files that name them, if such do
};

/// Whether a folder has either layout; looks at a few names only.
bool has_event_layout(const std::filesystem::path& folder);

/// The layout of a folder that has one. `classes` are told from the folder when empty. Throws InputError for a class
/// that is not among them, a list that is malformed or names a recording that is not there, a class folder without
/// recordings, and several lists.
EventLayout read_event_layout(const std::filesystem::path& folder, std::vector<std::string> classes);

}  // namespace spikelens

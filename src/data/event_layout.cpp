#include "event_layout.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <sstream>
#include <tuple>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/number.h"
#include "spikelens/io/files.h"
#include "spikelens/io/folders.h"

#include "event_readers.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

constexpr int kMostClasses = 10000;
const std::vector<std::string> kTrainNames = {"train", "Train", "training"},
                               kTestNames = {"test", "Test", "val", "Val"};

/// A name that leads nowhere is neither; a failing disk is said when the entry is used.
bool is_file(const fs::directory_entry& entry) {
    std::error_code error;
    return entry.is_regular_file(error);
}
bool is_folder(const fs::directory_entry& entry) {
    std::error_code error;
    return entry.is_directory(error);
}

bool is_recording(const fs::directory_entry& entry) { return has_event_ending(entry.path()) && is_file(entry); }
bool is_class_folder(const fs::directory_entry& entry) {
    return is_folder(entry) && !entry.path().filename().string().starts_with('.');
}

bool has_recording(const fs::path& folder) { return !entries_of(folder, is_recording, 1).empty(); }

std::optional<fs::path> find_split(const fs::path& folder, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const auto is_class = [](const fs::directory_entry& entry) {
            return is_class_folder(entry) && has_recording(entry.path());
        };
        std::error_code missing;
        if (fs::is_directory(folder / name, missing) && !entries_of(folder / name, is_class, 1).empty())
            return folder / name;
    }
    return std::nullopt;
}

std::vector<fs::directory_entry> find_lists(const fs::path& folder, std::string_view prefix) {
    return entries_of(folder, [&](const fs::directory_entry& entry) {
        return entry.path().extension() == ".txt" && entry.path().filename().string().starts_with(prefix) &&
               is_file(entry);
    });
}

/// Orders names, numbers by their value and before others.
std::tuple<bool, size_t, std::string> order_of(const std::string& name) {
    if (name.empty() || name.find_first_not_of("0123456789") != std::string::npos) return {true, 0, name};
    const std::string number = name.substr(std::min(name.find_first_not_of('0'), name.size()));
    return {false, number.size(), number};
}

std::vector<std::string> class_names(const fs::path& split) {
    std::vector<std::string> names;
    for (const fs::path& folder : entries_of(split, is_class_folder)) names.push_back(folder.filename().string());
    std::ranges::sort(names);
    std::ranges::stable_sort(names, {}, order_of);
    return names;
}

std::vector<RecordingFile> files_of_split(const fs::path& split, const std::vector<std::string>& classes) {
    std::vector<RecordingFile> files;
    for (const std::string& name : class_names(split)) {
        const auto label = std::ranges::find(classes, name);
        if (label == classes.end())
            throw InputError((split / name).string() + " is a class that is not among the " +
                             std::to_string(classes.size()) + " known, " + classes.front() + " to " + classes.back());
        const std::vector<fs::directory_entry> recordings = entries_of(split / name, is_recording);
        if (recordings.empty())
            throw InputError("the class folder " + (split / name).string() + " holds no recordings");
        for (const fs::path& path : recordings) files.push_back({path, static_cast<int>(label - classes.begin())});
    }
    std::ranges::sort(files, {}, [](const RecordingFile& file) {
        return std::tuple(order_of(file.path.stem().string()), file.label, file.path.filename().string());
    });
    return files;
}

fs::path one_list(const fs::path& folder, const std::string& prefix) {
    const std::vector<fs::directory_entry> lists = find_lists(folder, prefix);
    if (lists.size() != 1)
        throw InputError(folder.string() + " has " + std::to_string(lists.size()) + " lists " + prefix +
                         "*.txt, expected one");
    return lists.front();
}

fs::path recording_of(const fs::path& folder, const std::string& name, const std::string& where) {
    for (const char* ending : {".bs2", ".bin", ".aedat", ".aedat4", ".npz", ".raw", ".dat"})
        if (fs::path path = folder / (name + ending); fs::is_regular_file(path)) return path;
    throw InputError(where + " names the recording " + name + ", but there is no " + (folder / name).string() +
                     ".bs2 (or another ending)");
}

std::vector<RecordingFile> files_of_list(const fs::path& list) {
    std::istringstream lines(read_file(list, 1 << 28));
    std::vector<RecordingFile> files;
    size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
        const std::string where = "line " + std::to_string(++number) + " of " + list.string();
        std::istringstream words(line);
        std::string name, label, more;
        if (!(words >> name) || name.starts_with('#')) continue;
        words >> label;
        const auto value = number_in<int>(label);
        if (!number_in<int>(name) || !value || *value < 0 || *value >= kMostClasses || words >> more)
            throw InputError(fmt::format("{} is '{}', expected the number of a recording and its class", where, line));
        files.push_back({recording_of(list.parent_path(), name, where), *value});
    }
    return files;
}

std::vector<std::string> numbered_classes(const EventLayout& layout) {
    int last = -1;
    for (const auto* files : {&layout.train, &layout.test})
        for (const RecordingFile& file : *files) last = std::max(last, file.label);
    std::vector<std::string> classes;
    for (int label = 0; label <= last; ++label) classes.push_back(std::to_string(label));
    return classes;
}

void check_labels(const EventLayout& layout) {
    for (const auto* files : {&layout.train, &layout.test})
        for (const RecordingFile& file : *files)
            if (static_cast<size_t>(file.label) >= layout.classes.size())
                throw InputError("the recording " + file.path.string() + " has the class " +
                                 std::to_string(file.label) + ", expected one of " +
                                 std::to_string(layout.classes.size()));
}

EventLayout read_lists(const fs::path& folder, std::vector<std::string> classes) {
    EventLayout layout;
    layout.lists = {one_list(folder, "train"), one_list(folder, "test")};
    layout.train = files_of_list(layout.lists[0]);
    layout.test = files_of_list(layout.lists[1]);
    layout.classes = classes.empty() ? numbered_classes(layout) : std::move(classes);
    check_labels(layout);
    return layout;
}

}  // namespace

bool has_event_layout(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return false;
    if (find_split(folder, kTrainNames) && find_split(folder, kTestNames)) return true;
    return has_recording(folder) && !find_lists(folder, "train").empty() && !find_lists(folder, "test").empty();
}

EventLayout read_event_layout(const fs::path& folder, std::vector<std::string> classes) {
    const auto train = find_split(folder, kTrainNames), test = find_split(folder, kTestNames);
    if (!train || !test) return read_lists(folder, std::move(classes));
    EventLayout layout;
    layout.classes = classes.empty() ? class_names(*train) : std::move(classes);
    layout.train = files_of_split(*train, layout.classes);
    layout.test = files_of_split(*test, layout.classes);
    return layout;
}

}  // namespace spikelens

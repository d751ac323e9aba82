#include "picture_layout.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/io/folders.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

using namespace std::string_view_literals;
constexpr std::array kTrainNames = {"train"sv, "Train"sv, "training"sv};
constexpr std::array kTestNames = {"test"sv, "Test"sv, "val"sv, "Val"sv};
constexpr std::array kEndings = {".jpg"sv, ".jpeg"sv, ".png"sv,  ".ppm"sv, ".bmp"sv,
                                 ".pgm"sv, ".tif"sv,  ".tiff"sv, ".webp"sv};

bool has_picture_ending(const fs::path& path) {
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return std::ranges::find(kEndings, ending) != kEndings.end();
}

/// The names in a folder, files and folders apart, both sorted by their bytes. Hidden ones are left out.
struct Entries {
    std::vector<std::string> files, folders;
};

Entries entries(const fs::path& folder) {
    Entries found;
    const auto shown = [](const fs::directory_entry& entry) {
        return !entry.path().filename().string().starts_with('.');
    };
    for (const fs::directory_entry& entry : entries_of(folder, shown)) {
        std::string name = entry.path().filename().string();
        std::error_code gone;  // a name that leads nowhere is no folder
        if (entry.is_directory(gone))
            found.folders.push_back(std::move(name));
        else if (has_picture_ending(
                     name))  // also a link that leads nowhere: ImageFolder counts it, and reading it says so
            found.files.push_back(std::move(name));
    }
    std::ranges::sort(found.files);
    std::ranges::sort(found.folders);
    return found;
}

/// All folders below one and itself, sorted by their paths, as os.walk's results are by ImageFolder.
void add_folders(const fs::path& folder, int depth, std::vector<std::string>& folders) {
    constexpr int deepest = 20;  // links may lead round in a circle
    if (depth > deepest) throw InputError("the folder " + folder.string() + " lies too deep for a class of pictures");
    folders.push_back(folder.string());
    for (const std::string& name : entries(folder).folders) add_folders(folder / name, depth + 1, folders);
}

std::vector<std::string> pictures_of_class(const fs::path& folder) {
    std::vector<std::string> folders, paths;
    add_folders(folder, 0, folders);
    std::ranges::sort(folders);
    for (const std::string& place : folders)
        for (const std::string& name : entries(place).files) paths.push_back((fs::path(place) / name).string());
    if (paths.empty()) throw InputError("the class folder " + folder.string() + " holds no pictures");
    return paths;
}

bool has_class(const fs::path& folder) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) return false;
    return std::ranges::any_of(entries(folder).folders,
                               [&](const std::string& name) { return !entries(folder / name).files.empty(); });
}

template <class Names>
std::optional<fs::path> find_split(const fs::path& folder, const Names& names) {
    for (const std::string_view name : names)
        if (has_class(folder / name)) return folder / name;
    return std::nullopt;
}

/// Refuses parts of a split whose pictures lie in no class's folder: as classes they would be the two parts.
void refuse_unsorted(const fs::path& folder) {
    const auto part = [&](const auto& names) {
        const auto name = std::ranges::find_if(names, [&](auto word) { return fs::is_directory(folder / word); });
        return name == names.end() ? fs::path() : folder / *name;
    };
    const fs::path train = part(kTrainNames), test = part(kTestNames);
    if (train.empty() || test.empty()) return;
    const std::string bare = (has_class(train) ? test : train).string();
    throw InputError(fmt::format("{} holds no folder of pictures for each class: expected {}/CLASS/*", bare, bare));
}

/// In the order of torchvision's ImageFolder: by class, then by file.
std::vector<PictureFile> files_of(const fs::path& folder, const std::vector<std::string>& classes) {
    std::vector<PictureFile> files;
    for (const std::string& name : entries(folder).folders) {
        const auto label = std::ranges::find(classes, name);
        if (label == classes.end())
            throw InputError(
                fmt::format("{} is a class that the training pictures do not have", (folder / name).string()));
        for (std::string& path : pictures_of_class(folder / name))
            files.push_back({std::move(path), static_cast<int>(label - classes.begin()), {}});
    }
    return files;
}

/// One of each class in turn, so that the first so many pictures are of all classes.
std::vector<PictureFile> dealt(std::vector<PictureFile> files, size_t classes) {
    std::vector<std::vector<PictureFile>> piles(classes);
    for (PictureFile& file : files) piles[static_cast<size_t>(file.label)].push_back(std::move(file));
    std::vector<PictureFile> order;
    for (size_t round = 0; order.size() < files.size(); ++round)
        for (std::vector<PictureFile>& pile : piles)
            if (round < pile.size()) order.push_back(std::move(pile[round]));
    return order;
}

/// torch's random_split into ⌊share · N⌋ and the rest, or into a number and the rest.
void split(const fs::path& folder, std::vector<PictureFile> files, const PictureOptions& options,
           PictureLayout& layout) {
    const auto count = static_cast<double>(files.size());
    const double train = options.split < 1 ? std::floor(options.split * count) : options.split;
    if (train < 1 || train > count - 1)
        throw InputError(fmt::format("a split of {} leaves no {} pictures of the {} in {}", options.split,
                                     train < 1 ? "training" : "test", files.size(), folder.string()));
    const std::vector<int64_t> order = torch_permutation(static_cast<int64_t>(files.size()), options.split_seed);
    for (size_t i = 0; i < order.size(); ++i)
        (static_cast<double>(i) < train ? layout.train : layout.test).push_back(files[static_cast<size_t>(order[i])]);
}

}  // namespace

bool has_picture_layout(const fs::path& folder) {
    return (find_split(folder, kTrainNames) && find_split(folder, kTestNames)) || has_class(folder);
}

PictureLayout read_picture_layout(const fs::path& folder, const PictureOptions& options) {
    const auto train = find_split(folder, kTrainNames), test = find_split(folder, kTestNames);
    const bool is_split = train && test;
    PictureLayout layout;
    layout.classes = entries(is_split ? *train : folder).folders;
    if (!is_split) refuse_unsorted(folder);
    if (is_split && options.split > 0)
        throw InputError(folder.string() + " is split already, into " + train->filename().string() + " and " +
                         test->filename().string() + ": a split of its own cannot be chosen");
    if (!is_split && options.split == 0)
        throw InputError(folder.string() +
                         " holds folders of pictures but no training and test part: a split is needed, such as 0.8");
    if (!is_split) {
        split(folder, files_of(folder, layout.classes), options, layout);
        return layout;
    }
    layout.train = dealt(files_of(*train, layout.classes), layout.classes.size());
    layout.test = dealt(files_of(*test, layout.classes), layout.classes.size());
    return layout;
}

}  // namespace spikelens

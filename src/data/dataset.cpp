#include "spikelens/data/dataset.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include <fmt/ranges.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
#include "spikelens/data/idx.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "event_dataset.h"
#include "picture_dataset.h"
#include "picture_layout.h"
#include "registry.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

const std::vector<std::string> kParts = {"train-images", "train-labels", "t10k-images", "t10k-labels"};

bool holds_images(std::string_view part) { return part.ends_with("images"); }

/// The file of one part under any of its usual names: train-images-idx3-ubyte, train-images.idx3-ubyte, either with
/// .gz.
std::optional<fs::path> find_part(const fs::path& folder, const std::string& part) {
    for (const char* separator : {"-", "."})
        for (const char* ending : {"", ".gz"}) {
            const fs::path path =
                folder / (part + separator + (holds_images(part) ? "idx3" : "idx1") + "-ubyte" + ending);
            std::error_code error;
            if (fs::is_regular_file(path, error)) return path;
        }
    return std::nullopt;
}

bool is_complete(const fs::path& folder) {
    return std::ranges::all_of(kParts, [&](const std::string& part) { return find_part(folder, part).has_value(); });
}

bool has_any_part(const fs::path& folder) {
    return std::ranges::any_of(kParts, [&](const std::string& part) { return find_part(folder, part).has_value(); });
}

fs::path require_part(const fs::path& folder, const std::string& part) {
    if (const auto path = find_part(folder, part)) return *path;
    throw InputError("the folder " + folder.string() + " has no file " + part +
                     (holds_images(part) ? "-idx3" : "-idx1") +
                     "-ubyte, plain or .gz, no event recordings or pictures in train/CLASS and test/CLASS, no pictures "
                     "in CLASS, and no recordings listed in train*.txt and test*.txt");
}

struct RawSplit {
    fs::path images_file, labels_file;
    Array<uint8_t> pixels;
    std::vector<int> labels;
};

RawSplit read_split(const fs::path& folder, const std::string& prefix) {
    RawSplit split{require_part(folder, prefix + "-images"), require_part(folder, prefix + "-labels"), {}, {}};
    split.pixels = read_idx(split.images_file, 3);
    const Array<uint8_t> labels = read_idx(split.labels_file, 1);
    if (split.pixels.empty())
        throw InputError(split.images_file.string() + " holds no pixels: its shape is " +
                         shape_text(split.pixels.shape));
    if (labels.size() != split.pixels.extent(0))
        throw InputError(fmt::format("{} holds {} labels, but {} holds {} images", split.labels_file.string(),
                                     labels.size(), split.images_file.string(), split.pixels.extent(0)));
    const Shape& shape = split.pixels.shape;
    split.pixels.shape = {shape[0], 1, shape[1], shape[2]};
    split.labels.assign(labels.data.begin(), labels.data.end());
    return split;
}

std::vector<std::string> read_class_names(const fs::path& file) {
    std::istringstream lines(read_file(file, 1 << 20));
    std::vector<std::string> classes;
    for (std::string line; std::getline(lines, line);) {
        if (line.ends_with('\r')) line.pop_back();
        if (line.empty())
            throw InputError(
                fmt::format("line {} of {} is empty, expected the name of a class", classes.size() + 1, file.string()));
        if (std::ranges::count(classes, line) > 0)
            throw InputError(fmt::format("{} names the class '{}' twice", file.string(), line));
        classes.push_back(line);
    }
    if (classes.empty()) throw InputError(file.string() + " is empty, expected the name of a class on each line");
    return classes;
}

std::vector<std::string> numbered_classes(const RawSplit& train, const RawSplit& test) {
    const int last = std::max(std::ranges::max(train.labels), std::ranges::max(test.labels));
    std::vector<std::string> classes;
    for (int label = 0; label <= last; ++label) classes.push_back(std::to_string(label));
    return classes;
}

/// `source`: what says which classes there are.
void check_labels(const RawSplit& split, size_t classes, const std::string& source) {
    const auto wrong =
        std::ranges::find_if(split.labels, [&](int label) { return static_cast<size_t>(label) >= classes; });
    if (wrong != split.labels.end())
        throw InputError(fmt::format("{} has the label {} at sample {}, expected one of the {} classes{} (0 to {})",
                                     split.labels_file.string(), *wrong, wrong - split.labels.begin(), classes, source,
                                     static_cast<int64_t>(classes) - 1));
}

void check_same_size(const RawSplit& train, const RawSplit& test) {
    const auto size = [](const RawSplit& split) {
        return fmt::format("{} x {}", split.pixels.shape[2], split.pixels.shape[3]);
    };
    if (size(train) != size(test))
        throw InputError(fmt::format("{} holds images of {}, but {} of {}", train.images_file.string(), size(train),
                                     test.images_file.string(), size(test)));
}

LoadedDataset load_images(const fs::path& folder, const std::string& name, std::vector<std::string> classes) {
    RawSplit train = read_split(folder, "train"), test = read_split(folder, "t10k");
    check_same_size(train, test);
    const fs::path names = folder / "classes.txt";
    const std::string source = classes.empty() && fs::exists(names) ? " of " + names.string() : "";
    if (classes.empty()) classes = fs::exists(names) ? read_class_names(names) : numbered_classes(train, test);
    LoadedDataset loaded{.name = name, .train = {}, .test = {}, .sha256 = {}};
    for (const RawSplit* split : {&train, &test}) {
        check_labels(*split, classes.size(), source);
        for (const fs::path& file : {split->images_file, split->labels_file})
            loaded.sha256[file.filename()] = sha256_of_file(file);
    }
    loaded.train = std::make_shared<ImageSet>(std::move(train.pixels), std::move(train.labels), classes);
    loaded.test = std::make_shared<ImageSet>(std::move(test.pixels), std::move(test.labels), classes);
    return loaded;
}

LoadedDataset load_folder(const fs::path& folder, const std::string& name, const std::vector<std::string>& classes,
                          const DataOptions& options, const Execution& execution) {
    const bool images = has_any_part(folder), recordings = !images && holds_recordings(folder),
               pictures = !images && !recordings && has_picture_layout(folder);
    if (!recordings && options.binning != Binning{})
        throw InputError("binning is for event recordings, but " + folder.string() + " is not a folder of them");
    if (const PictureWords words = picture_words(options.pictures); !pictures && !words.empty())
        throw InputError(fmt::format("the option {} is for folders of pictures, but {} is not one",
                                     words.begin()->first, folder.string()));
    if (recordings) return load_recordings(folder, name, classes, options.binning, execution);
    return pictures ? load_pictures(folder, name, options.pictures, execution) : load_images(folder, name, classes);
}

std::optional<fs::path> find_complete(const KnownDataset& known) {
    for (const fs::path& place : places_of(known))
        if (known.recordings ? holds_recordings(place) : is_complete(place)) return place;
    return std::nullopt;
}

std::string how_to_get(const KnownDataset& known) {
    if (known.recordings) return "put its folders Train and Test of recordings into one of these folders";
    return fmt::format("get it with 'spikelens data download {}' or put its four IDX files into one of these folders",
                       known.name);
}

LoadedDataset load_known(const KnownDataset& known, const DataOptions& options, const Execution& execution) {
    if (const auto place = find_complete(known))
        return load_folder(*place, known.name, known.classes, options, execution);
    std::vector<std::string> looked;
    for (const fs::path& place : places_of(known)) looked.push_back(place.string());
    throw InputError(
        fmt::format("the data set {} was not found in {}; {}", known.name, fmt::join(looked, ", "), how_to_get(known)));
}

/// Names go into every result, and a result is JSON.
LoadedDataset with_checked_names(LoadedDataset loaded, std::string_view where) {
    if (!is_utf8(loaded.name)) throw InputError(fmt::format("the name of the data set '{}' is not UTF-8", loaded.name));
    const std::vector<std::string>& classes = loaded.train->classes();
    for (size_t c = 0; c < classes.size(); ++c)
        if (!is_utf8(classes[c]))
            throw InputError(fmt::format("{}: the name of class {}, '{}', is not UTF-8", where, c, classes[c]));
    return loaded;
}

}  // namespace

std::vector<DatasetInfo> known_datasets() {
    std::vector<DatasetInfo> infos;
    for (const KnownDataset& known : registry())
        infos.push_back({.name = known.name,
                         .title = known.title,
                         .licence = known.licence,
                         .where = find_complete(known).value_or(fs::path()).string(),
                         .downloadable = !known.mirrors.empty()});
    return infos;
}

LoadedDataset load_dataset(std::string_view name_or_folder, const DataOptions& options, const Execution& execution) {
    if (const KnownDataset* known = find_known(name_or_folder))
        return with_checked_names(load_known(*known, options, execution), name_or_folder);
    std::error_code error;
    fs::path folder = name_or_folder;
    if (fs::is_directory(folder, error)) {
        if (!folder.has_filename()) folder = folder.parent_path();
        const std::string name = fs::absolute(folder).lexically_normal().filename().string();
        return with_checked_names(load_folder(folder, name, {}, options, execution), name_or_folder);
    }
    throw InputError(fmt::format("there is no data set or folder '{}'{}", name_or_folder,
                                 suggestion(name_or_folder, known_names())));
}

}  // namespace spikelens

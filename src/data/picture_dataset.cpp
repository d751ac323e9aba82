#include "picture_dataset.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "combined_checksum.h"
#include "picture_cache.h"
#include "picture_layout.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

/// What was seen of a file when it was read for the first time.
struct Seen {
    Shape shape;        ///< empty when it is damaged
    std::string error;  ///< why
};

/// Whether the picture can be read when nothing is cut out of it.
bool is_whole(const std::string& path, PictureOptions options) {
    options.framing = {};
    std::string sha256;
    try {
        read_picture_file(path, options, sha256);
        return true;
    } catch (const InputError&) {
        return false;
    }
}

/// Reads every picture once: its checksum, its size, and whether it can be decoded at all.
std::vector<Seen> read_all(std::vector<PictureFile>& files, const std::string& task, const PictureOptions& options,
                           PictureCache& cache, const Execution& execution) {
    std::vector<Seen> seen(files.size());
    std::mutex counting;
    int64_t done = 0;
    const auto count = static_cast<int64_t>(files.size());
    parallel_for(count, execution, [&](int64_t index, int) {
        PictureFile& file = files[static_cast<size_t>(index)];
        Seen& result = seen[static_cast<size_t>(index)];
        try {
            auto picture = std::make_shared<const Array<uint8_t>>(read_picture_file(file.path, options, file.sha256));
            result.shape = picture->shape;
            cache.keep(file.sha256, std::move(picture));
        } catch (const InputError& error) {
            if (file.sha256.empty() || is_whole(file.path, options)) throw;  // not read at all, or too small for its crop
            result.error = error.what();
        }
        const std::lock_guard lock(counting);
        execution.report(task, ++done, count);
    });
    return seen;
}

void refuse_damaged(const std::vector<Seen>& seen) {
    const auto damaged = [](const Seen& one) { return !one.error.empty(); };
    const auto first = std::ranges::find_if(seen, damaged);
    if (first == seen.end()) return;
    throw InputError(fmt::format("{} (damaged pictures can be skipped; here they are {} of {})", first->error,
                                 std::ranges::count_if(seen, damaged), seen.size()));
}

void check_shapes(const std::vector<PictureFile>& files, const std::vector<Seen>& seen, Shape& shape, std::string& first) {
    const auto size = [](const Shape& of) { return fmt::format("{} x {}", of[1], of[2]); };
    for (size_t i = 0; i < files.size(); ++i) {
        if (seen[i].shape.empty()) continue;
        if (shape.empty()) shape = seen[i].shape, first = files[i].path;
        if (seen[i].shape != shape)
            throw InputError(
                fmt::format("{} has {} pixels, but {} has {}: pictures of different sizes must be resized to one, "
                            "or resized and cropped",
                            files[i].path, size(seen[i].shape), first, size(shape)));
    }
}

/// The pictures that can be read; the others go into `damaged`.
std::vector<PictureFile> whole_ones(std::vector<PictureFile> files, const std::vector<Seen>& seen,
                                    std::vector<std::string>& damaged) {
    std::vector<PictureFile> whole;
    for (size_t i = 0; i < files.size(); ++i) {
        if (seen[i].error.empty())
            whole.push_back(std::move(files[i]));
        else
            damaged.push_back(seen[i].error);
    }
    return whole;
}

}  // namespace

LoadedDataset load_pictures(const fs::path& folder, const std::string& name, const PictureOptions& options,
                            const Execution& execution) {
    PictureLayout layout = read_picture_layout(folder, options);
    const auto cache = std::make_shared<PictureCache>(execution.memory / 2);
    LoadedDataset loaded{.name = name};
    loaded.pictures = options;
    std::map<std::string, std::string> checksums;
    Shape shape;
    std::string first;
    for (std::vector<PictureFile>* files : {&layout.train, &layout.test}) {
        const bool training = files == &layout.train;
        const std::vector<Seen> seen =
            read_all(*files, training ? "training pictures" : "test pictures", options, *cache, execution);
        if (!options.skip_damaged) refuse_damaged(seen);
        check_shapes(*files, seen, shape, first);
        for (const PictureFile& file : *files)
            checksums[fs::path(file.path).lexically_relative(folder).generic_string()] = file.sha256;
        *files = whole_ones(std::move(*files), seen, loaded.damaged);
        if (files->empty())
            throw InputError(fmt::format("the folder {} has no {} picture that can be read", folder.string(),
                                         training ? "training" : "test"));
    }
    loaded.sha256 = {{pictures_checksum, combined_checksum(checksums)}};
    loaded.train = std::make_shared<PictureSet>(std::move(layout.train), layout.classes, shape, options, cache, execution);
    loaded.test = std::make_shared<PictureSet>(std::move(layout.test), layout.classes, shape, options, cache, execution);
    return loaded;
}

}  // namespace spikelens

#include "picture_dataset.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

#include "combined_checksum.h"
#include "picture_cache.h"
#include "picture_index.h"
#include "picture_layout.h"

namespace spikelens {
namespace fs = std::filesystem;
namespace {

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

/// What is found of a file by reading it: a picture that is decoded anyway is kept where there is room.
PictureFacts read_picture(const std::string& path, const PictureOptions& options, PictureCache& cache) {
    PictureFacts facts;
    try {
        auto picture = std::make_shared<const Array<uint8_t>>(read_picture_file(path, options, facts.sha256));
        facts.shape = picture->shape;
        cache.keep(facts.sha256, std::move(picture));
    } catch (const InputError& error) {
        std::error_code gone;  // behind the name lies no file: a link that leads nowhere, a pipe
        const bool is_file = fs::is_regular_file(path, gone);
        if (is_file && (facts.sha256.empty() || is_whole(path, options))) throw;  // not read, or too small for its crop
        facts.error = error.what();
    }
    return facts;
}

/// Of every picture its checksum, its size, and whether it can be decoded at all: what the index does not know is read.
std::vector<PictureFacts> look_at_all(std::vector<PictureFile>& files, const std::string& task,
                                      const PictureOptions& options, PictureIndex& index, PictureCache& cache,
                                      const Execution& execution) {
    std::vector<PictureFacts> all(files.size());
    std::mutex counting;
    int64_t done = 0;
    const auto count = static_cast<int64_t>(files.size());
    parallel_for(count, execution, [&](int64_t place, int) {
        PictureFile& file = files[static_cast<size_t>(place)];
        PictureFacts& facts = all[static_cast<size_t>(place)];
        if (auto known = index.find(file.path))
            facts = *std::move(known);
        else
            index.put(file.path, facts = read_picture(file.path, options, cache));
        file.sha256 = facts.sha256;
        const std::lock_guard lock(counting);
        execution.report(task, ++done, count);
    });
    return all;
}

void refuse_damaged(const std::vector<PictureFacts>& seen) {
    const auto damaged = [](const PictureFacts& one) { return !one.error.empty(); };
    const auto first = std::ranges::find_if(seen, damaged);
    if (first == seen.end()) return;
    throw InputError(fmt::format("{} (damaged pictures can be skipped; here they are {} of {})", first->error,
                                 std::ranges::count_if(seen, damaged), seen.size()));
}

void check_shapes(const std::vector<PictureFile>& files, const std::vector<PictureFacts>& seen, Shape& shape,
                  std::string& first) {
    const auto size = [](const Shape& of) { return fmt::format("{} x {}", of[1], of[2]); };
    for (size_t i = 0; i < files.size(); ++i) {
        if (seen[i].shape.empty()) continue;
        if (shape.empty()) shape = seen[i].shape, first = files[i].path;
        if (seen[i].shape != shape)
            throw InputError(
                fmt::format("{} has {} pixels, but {} has {}: pictures of different sizes must be resized to one, or "
                            "resized and cropped",
                            files[i].path, size(seen[i].shape), first, size(shape)));
    }
}

/// The pictures that can be read; the others go into `damaged`.
std::vector<PictureFile> whole_ones(std::vector<PictureFile> files, const std::vector<PictureFacts>& seen,
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
    const auto cache =
        std::make_shared<PictureCache>(execution.memory / 16 * 7, execution.memory / 16, execution.threads, options);
    LoadedDataset loaded{.name = name};
    loaded.pictures = options;
    std::map<std::string, std::string> checksums;
    PictureIndex index(folder, options);
    Shape shape;
    std::string first;
    for (std::vector<PictureFile>* files : {&layout.train, &layout.test}) {
        const bool training = files == &layout.train;
        const std::vector<PictureFacts> seen =
            look_at_all(*files, training ? "training pictures" : "test pictures", options, index, *cache, execution);
        if (!options.skip_damaged) refuse_damaged(seen);
        check_shapes(*files, seen, shape, first);
        for (const PictureFile& file : *files)
            checksums[fs::path(file.path).lexically_relative(folder).generic_string()] = file.sha256;
        *files = whole_ones(std::move(*files), seen, loaded.damaged);
        if (files->empty())
            throw InputError(fmt::format("the folder {} has no {} picture that can be read", folder.string(),
                                         training ? "training" : "test"));
    }
    index.save();
    loaded.sha256 = {{kPicturesChecksum, combined_checksum(checksums)}};
    loaded.train =
        std::make_shared<PictureSet>(std::move(layout.train), layout.classes, shape, options, cache, execution);
    loaded.test =
        std::make_shared<PictureSet>(std::move(layout.test), layout.classes, shape, options, cache, execution);
    return loaded;
}

}  // namespace spikelens

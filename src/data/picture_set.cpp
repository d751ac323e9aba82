#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/data/pictures.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "picture_cache.h"

namespace spikelens {
namespace {

constexpr uint64_t kLargestFile = 400'000'000;
constexpr float kWhite = 255;

/// Several samples that follow each other: somebody goes through the set in its order.
bool is_run(std::span<const int64_t> indices) {
    return indices.size() > 1 &&
           std::ranges::adjacent_find(indices, [](int64_t a, int64_t b) { return b != a + 1; }) == indices.end();
}

}  // namespace

Array<uint8_t> read_picture_file(const std::string& path, const PictureOptions& options, std::string& sha256) {
    const std::string bytes = read_file(path, kLargestFile);
    sha256 = sha256_of_bytes(bytes);
    return photograph_bytes(bytes, path, options.framing, options.background);
}

FloatArray normalised(FloatArray images, const PictureOptions& options) {
    if (!options.normalised()) return images;
    const int64_t pixels = images.extent(2) * images.extent(3);
    for (int64_t plane = 0; plane < images.extent(0) * images.extent(1); ++plane) {
        const auto channel = static_cast<size_t>(plane % images.extent(1));
        const float mean = options.mean[channel], deviation = options.deviation[channel];
        for (float& value :
             std::span(images.data).subspan(static_cast<size_t>(plane * pixels), static_cast<size_t>(pixels)))
            value = (value - mean) / deviation;
    }
    return images;
}

PictureCache::PictureCache(int64_t kept, int64_t ahead, int threads, PictureOptions options)
    : options_(std::move(options)),
      room_(kept),
      ahead_(ahead, (threads > 0 ? threads : available_threads()) - 1,
             [this](const PictureFile& file) { return read(file); }) {}

std::shared_ptr<const Array<uint8_t>> PictureCache::read(const PictureFile& file) {
    std::string sha256;
    auto picture = std::make_shared<const Array<uint8_t>>(read_picture_file(file.path, options_, sha256));
    if (sha256 != file.sha256)
        throw InputError(file.path + " was changed while it was in use: its checksum is another one");
    keep(sha256, picture);
    return picture;
}

std::shared_ptr<const Array<uint8_t>> PictureCache::picture(const PictureFile& file) {
    if (auto kept = find(file.sha256)) return kept;
    if (auto taken = ahead_.take(file.sha256)) return taken;
    return read(file);
}

void PictureCache::expect(std::span<const PictureFile> files, int64_t bytes) {
    std::vector<PictureFile> to_read;
    for (const PictureFile& file : files)
        if (!find(file.sha256)) to_read.push_back(file);
    ahead_.expect(to_read, bytes);
}

PictureSet::PictureSet(std::vector<PictureFile> files, std::vector<std::string> classes, Shape shape,
                       PictureOptions options, std::shared_ptr<PictureCache> cache, Execution execution)
    : files_(std::move(files)),
      classes_(std::move(classes)),
      shape_(std::move(shape)),
      options_(std::move(options)),
      cache_(std::move(cache)),
      execution_(std::move(execution)) {}

void PictureSet::put(int64_t index, std::span<float> image) const {
    std::ranges::transform(cache_->picture(files_[static_cast<size_t>(index)])->data, image.begin(),
                           [](uint8_t byte) { return static_cast<float>(byte) / kWhite; });
}

FloatArray PictureSet::images(std::span<const int64_t> indices) const {
    for (const int64_t index : indices)
        if (index < 0 || index >= size())
            throw InputError("there is no sample " + std::to_string(index) + " among " + std::to_string(size()));
    const auto count = static_cast<int64_t>(indices.size());
    FloatArray images({count, shape_[0], shape_[1], shape_[2]});
    parallel_for(count, execution_, [&](int64_t i, int) { put(indices[static_cast<size_t>(i)], images.row(i)); });
    if (is_run(indices)) {
        const int64_t next = indices.back() + 1;
        cache_->expect(std::span(files_).subspan(next, std::min(count, size() - next)), element_count(shape_));
    }
    return images;
}

}  // namespace spikelens

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/io/photograph.h"

namespace spikelens {

/// Options of picture folders as words, by name. Absent means the usual:
///   resize      "HEIGHTxWIDTH", or the length of the shorter side; usual: pictures stay as large as they are
///   crop        "HEIGHTxWIDTH" or one length for both: the middle of the resized picture
///   mean, std   "none", "imagenet" (0.485,0.456,0.406 and 0.229,0.224,0.225), or three numbers R,G,B; usual: none
///   split       the training part of a folder CLASS/FILE: a share below 1, or a number of pictures
///   split_seed  of the split, 0 or more; usual: 0
///   damaged     "stop" or "skip"; usual: stop
///   background  behind transparent pixels, as parse_background takes it; usual: black
using PictureWords = std::map<std::string, std::string>;

/// What a folder of pictures is read with.
struct PictureOptions {
    Framing framing;
    std::array<float, 3> mean{0, 0, 0}, deviation{1, 1, 1};  ///< the network sees (v − mean) / deviation, v in [0, 1]
    double split = 0;                                        ///< below 1: a share; from 1 on: a number; 0: no split
    uint64_t split_seed = 0;
    bool skip_damaged = false;
    Background background;

    bool normalised() const {
        return mean != std::array<float, 3>{0, 0, 0} || deviation != std::array<float, 3>{1, 1, 1};
    }
};

/// Throws InputError for another name or a text that cannot be used, naming what was expected.
PictureOptions parse_pictures(const PictureWords& words);
/// Every option that is not the usual, in one canonical form: equal for equal options.
PictureWords picture_words(const PictureOptions& options);

/// The network's view of images [N, 3, H, W] in [0, 1]: (v − mean) / deviation, in float32 as torchvision's Normalize.
FloatArray normalised(FloatArray images, const PictureOptions& options);

/// torch.randperm(n, generator=torch.Generator().manual_seed(seed)) on the CPU: the order by which random_split splits.
/// O(n). Throws InputError from 214,748,364 on, where torch draws in another way.
std::vector<int64_t> torch_permutation(int64_t n, uint64_t seed);

/// One picture of a set: its file, by its SHA-256 too, so that a file that changes meanwhile is noticed.
struct PictureFile {
    std::string path;
    int label = 0;
    std::string sha256;
};

/// Decoded pictures [3, H, W] that are kept, up to so many bytes. What is in stays in, so that a set larger than the
/// room is partly kept whatever the order it is read in. Safe to use from several threads.
class PictureCache;

/// Pictures with labels, read and decoded when they are asked for, a batch by execution.threads; those that the cache
/// has room for once. images() are bytes / 255; input() is normalised. Both throw InputError for a picture that has
/// gone, or changed.
class PictureSet : public SampleSource {
  public:
    /// The shape is [3, H, W], of every picture after framing.
    PictureSet(std::vector<PictureFile> files, std::vector<std::string> classes, Shape shape, PictureOptions options,
               std::shared_ptr<PictureCache> cache, Execution execution);

    int64_t size() const override { return static_cast<int64_t>(files_.size()); }
    Shape shape() const override { return shape_; }
    const std::vector<std::string>& classes() const override { return classes_; }
    FloatArray images(std::span<const int64_t> indices) const override;
    Input input(std::span<const int64_t> indices) const override { return normalised(images(indices), options_); }
    int label(int64_t index) const override { return files_.at(static_cast<size_t>(index)).label; }
    const std::vector<PictureFile>& files() const { return files_; }
    const PictureOptions& options() const { return options_; }

  private:
    void put(int64_t index, std::span<float> image) const;

    std::vector<PictureFile> files_;
    std::vector<std::string> classes_;
    Shape shape_;
    PictureOptions options_;
    std::shared_ptr<PictureCache> cache_;
    Execution execution_;
};

}  // namespace spikelens

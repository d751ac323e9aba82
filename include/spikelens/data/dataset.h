#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"

namespace spikelens {

enum class Split { train, test };

/// Images with labels, in memory as bytes; images() divides by 255.
class ImageSet : public SampleSource {
  public:
    /// Throws InputError when the shape is not [N, C, H, W], there are not N labels, or one is outside the classes.
    ImageSet(Array<uint8_t> pixels, std::vector<int> labels, std::vector<std::string> classes);

    int64_t size() const override { return pixels_.extent(0); }
    Shape shape() const override;
    const std::vector<std::string>& classes() const override { return classes_; }
    FloatArray images(std::span<const int64_t> indices) const override;
    int label(int64_t index) const override { return labels_.at(index); }
    const Array<uint8_t>& pixels() const { return pixels_; }  ///< [N, C, H, W]

  private:
    Array<uint8_t> pixels_;
    std::vector<int> labels_;
    std::vector<std::string> classes_;
};

/// The first `count` samples of another set (all, when it has fewer).
class FirstSamples : public SampleSource {
  public:
    FirstSamples(const SampleSource& all, int64_t count);

    int64_t size() const override { return count_; }
    Shape shape() const override { return all_.shape(); }
    const std::vector<std::string>& classes() const override { return all_.classes(); }
    FloatArray images(std::span<const int64_t> indices) const override { return all_.images(indices); }
    int label(int64_t index) const override { return all_.label(index); }

  private:
    const SampleSource& all_;
    int64_t count_;
};

/// What is known of a named data set.
struct DatasetInfo {
    std::string name;  ///< "fashion-mnist"
    std::string title;
    std::string licence;
    std::string where;  ///< where its files were found, empty when absent
    bool downloadable = false;
};
std::vector<DatasetInfo> known_datasets();

struct LoadedDataset {
    std::string name;
    std::shared_ptr<const ImageSet> train, test;
    std::map<std::string, std::string> sha256;  ///< file name → checksum of the file as it lies on disk
};

/// Loads "fashion-mnist" or "mnist" from the first of $SPIKELENS_DATA/NAME, /usr/share/datasets/NAME (Debian's
/// dataset-fashion-mnist) and cache_folder()/NAME that holds all four IDX files, or a folder that holds them:
/// {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte, also written with '.' before idx, plain or .gz; its
/// classes are the lines of classes.txt, else "0".."K-1" up to the largest label. A known name comes before a folder of that
/// name (write "./mnist"). Throws InputError that says where it looked and what to do, or which file does not fit: counts of
/// images and labels that differ, an empty split, a label beyond the classes, splits with images of different sizes.
LoadedDataset load_dataset(std::string_view name_or_folder);

/// $XDG_CACHE_HOME/spikelens, else $HOME/.cache/spikelens. Throws RunError when neither is an absolute path.
std::filesystem::path cache_folder();

}  // namespace spikelens

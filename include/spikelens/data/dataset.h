#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/data/events.h"
#include "spikelens/data/pictures.h"

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

/// What is known of a named data set.
struct DatasetInfo {
    std::string name;  ///< "fashion-mnist"
    std::string title;
    std::string licence;
    std::string where;  ///< where its files were found, empty when absent
    bool downloadable = false;
};
std::vector<DatasetInfo> known_datasets();

/// How samples are read; what is not of their kind must be left at the usual.
struct DataOptions {
    Binning binning{};          ///< of recordings
    PictureOptions pictures{};  ///< of folders of pictures
};

/// The name of the checksum that only a folder of pictures has.
constexpr const char* kPicturesChecksum = "pictures";

struct LoadedDataset {
    std::string name;
    std::shared_ptr<const SampleSource> train{}, test{};  ///< ImageSet, EventSet or PictureSet, both the same
    /// File name → checksum of the file as it lies on disk. Recordings have one together, "recordings", and so have
    /// pictures, "pictures": SHA-256 of the lines "<sha256>  <path within the folder>\n" of all of them, sorted by
    /// path.
    std::map<std::string, std::string> sha256{};
    std::optional<PictureOptions> pictures{};  ///< of a folder of pictures
    std::vector<std::string> damaged{};        ///< of skipped pictures, one sentence each with the file's name
};

/// Loads a known data set from the first of $SPIKELENS_DATA/NAME (of "nmnist" also nmnist-small there),
/// /usr/share/datasets/NAME and cache_folder()/NAME that holds it, or any folder that holds one of these:
///
/// Images ("fashion-mnist", "mnist"): four IDX files {train,t10k}-images-idx3-ubyte and {train,t10k}-labels-idx1-ubyte,
/// also written with '.' before idx, plain or .gz; the classes are the lines of classes.txt, else "0".."K-1".
///
/// Event recordings ("nmnist") in SPLIT/CLASS/FILE: SPLIT is train, Train or training, and test, Test, val or Val;
/// files of other endings than read_events knows are left alone; classes are the names of the training folders, sorted,
/// numbers as numbers; samples are in the order of their files' names (numbers as numbers), then of their classes. Or
/// in FILE with the lists train*.txt and test*.txt, one of each: lines "NUMBER CLASS" for NUMBER.bs2 (or another
/// ending), lines that begin with
/// '#' left out; classes are "0".."K-1". Both splits have the sensor and, unless `binning` says, the steps that the
/// largest recording of either needs. Recordings stay in memory at 16 bytes an event.
///
/// Pictures in SPLIT/CLASS/FILE, or in CLASS/FILE with a split: JPEG, PNG, WebP, BMP, TIFF, PGM and PPM, told by their
/// endings .jpg .jpeg .png .webp .bmp .tif .tiff .pgm .ppm in any case, also in folders below CLASS. Hidden names are
/// left out. Classes are the folders' names, sorted by their bytes; a class's files are sorted by folder, then by name,
/// as torchvision's ImageFolder sorts them. A split is torch's random_split of all of them in this order into ⌊share ·
/// N⌋ and the rest (or a number and the rest), and samples are in its order. Where the folder is split, samples are one
/// of each class in turn. Every picture is read and decoded once before the data set is there; those that cannot be are
/// damaged: they stop the loading or are left out, behind the split. What was found of 500 pictures or more is kept in
/// cache_folder()/pictures, so that only files that changed are read again. Afterwards pictures are decoded when they
/// are asked for; up to half of execution.memory keeps decoded ones. All must have one size after framing.
///
/// A known name comes before a folder of that name (write "./mnist"). Throws InputError that says where it looked and
/// what to do, or which file does not fit: counts of images and labels that differ, an empty split, a label beyond the
/// classes, splits with images of different sizes, a recording that cannot be read; and for options of another kind of
/// data.
LoadedDataset load_dataset(std::string_view name_or_folder, const DataOptions& options = {},
                           const Execution& execution = {});

/// $XDG_CACHE_HOME/spikelens, else $HOME/.cache/spikelens. Throws RunError when neither is an absolute path.
std::filesystem::path cache_folder();

}  // namespace spikelens

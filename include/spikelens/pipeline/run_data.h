#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/data/dataset.h"
#include "spikelens/encode/coding.h"
#include "spikelens/io/picture.h"

namespace spikelens {

/// A data set as a run's network is shown it: images as they are or coded as spikes, or recordings in bins.
struct RunData {
    std::string name;
    std::map<std::string, std::string> sha256;
    std::shared_ptr<const SampleSource> train, test;
    std::string binning;                     ///< of recordings, "1ms"; empty for images
    std::optional<PictureOptions> pictures;  ///< of a folder of pictures
    std::vector<std::string> damaged;        ///< pictures that were left out, one sentence each
    Coding coding;
    uint64_t coding_seed = 1;
    int coding_steps = 0;
    Execution execution;  ///< of coding

    /// Whether images are coded as spikes.
    bool coded() const { return coding.kind != CodingKind::direct; }
    /// Where a test sample's random spikes are addressed.
    int64_t test_address(int64_t index) const { return train->size() + index; }
    /// Images [N, C, H, W] with values in [0, 1] as the network is shown them: coded, or normalised as the pictures
    /// are; `addresses` are those of random coders.
    Input shown(const FloatArray& images, std::span<const int64_t> addresses) const;
};

/// How a run's data are read and shown, as words.
struct DataWords {
    std::string binning;    ///< of recordings; empty for the usual one
    PictureWords pictures;  ///< of folders of pictures
    std::string coding;     ///< of images; empty for direct
};

/// Loads a data set (load_dataset); `steps` and `seed` are of the coder. Throws InputError for coded recordings,
/// options of another kind of data, and coded pictures that are normalised: coders need values in [0, 1].
RunData load_run_data(const std::string& source, const DataWords& words, int steps, uint64_t seed,
                      const Execution& execution);

/// A picture file as a run's pictures are read: `changes` says with which options. Throws InputError for a damaged file
/// and for one that has not this shape [3, H, W] after framing.
Picture read_like(const PictureOptions& options, const std::filesystem::path& path, const Shape& shape);

/// How a later command finds the data again: a known name, or a folder wherever the program is started.
std::string source_of(const std::string& data);

/// The manifest's "data": { "name", "source", "sha256", "binning", "pictures", "damaged", "coding" }
nlohmann::json data_document(const RunData& data, const std::string& source);

/// What a result depends on of the data, whatever they are called and wherever they lie: { "data": digest of all
/// checksums, "binning", "pictures", "coding", "coding_seed" }. `sha256` as in RunData; `binning`, `pictures` and
/// `coding` are canonical; the seed is in it where images are coded, "pictures" where the data are a folder of
/// pictures.
nlohmann::json data_inputs(const nlohmann::json& sha256, const std::string& binning, const PictureWords& pictures,
                           const Coding& coding, uint64_t coding_seed);
nlohmann::json data_inputs(const RunData& data);

}  // namespace spikelens

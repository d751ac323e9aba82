#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/data/dataset.h"
#include "spikelens/encode/coding.h"

namespace spikelens {

/// A data set as a run's network is shown it: images as they are or coded as spikes, or recordings in bins.
struct RunData {
    std::string name;
    std::map<std::string, std::string> sha256;
    std::shared_ptr<const SampleSource> train, test;
    std::string binning;  ///< of recordings, "1ms"; empty for images
    Coding coding;
    uint64_t coding_seed = 1;
    int coding_steps = 0;
    Execution execution;  ///< of coding

    /// Whether images are coded as spikes.
    bool coded() const { return coding.kind != CodingKind::direct; }
    /// Where a test sample's random spikes are addressed.
    int64_t test_address(int64_t index) const { return train->size() + index; }
    /// Images [N, C, H, W] as the network is shown them; `addresses` are those of random coders.
    Input shown(const FloatArray& images, std::span<const int64_t> addresses) const;
};

/// Loads a data set (load_dataset); `binning` is of recordings and empty for the usual one, `coding` of images and empty for
/// direct; `steps` and `seed` are of the coder. Throws InputError for coded recordings and binned images.
RunData load_run_data(const std::string& source, const std::string& binning, const std::string& coding, int steps,
                      uint64_t seed, const Execution& execution);

/// How a later command finds the data again: a known name, or a folder wherever the program is started.
std::string source_of(const std::string& data);

/// The manifest's "data": { "name", "source", "sha256", "binning", "coding" }
nlohmann::json data_document(const RunData& data, const std::string& source);

/// What a result depends on of the data, whatever they are called and wherever they lie: { "data": digest of all checksums,
/// "binning", "coding", "coding_seed" }. `sha256` as in RunData; `binning` and `coding` are canonical; the seed is in it where
/// images are coded.
nlohmann::json data_inputs(const nlohmann::json& sha256, const std::string& binning, const Coding& coding,
                           uint64_t coding_seed);
nlohmann::json data_inputs(const RunData& data);

}  // namespace spikelens

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/data/dataset.h"
#include "spikelens/encode/coding.h"
#include "spikelens/snn/network.h"

namespace spikelens::app {

/// The files of a run, by name. docs/formats.md lists them.
struct RunDirectory {
    std::filesystem::path root;

    std::filesystem::path manifest() const { return root / "manifest.json"; }
    std::filesystem::path model() const { return root / "model.safetensors"; }
    std::filesystem::path checkpoint() const { return root / "checkpoint.safetensors"; }
    std::filesystem::path result(const std::string& command) const { return root / (command + ".json"); }
    std::filesystem::path responses() const { return root / "responses.h5"; }
    std::filesystem::path relevant() const { return root / "relevant.json"; }
    std::filesystem::path ablation() const { return root / "ablation.json"; }
    std::filesystem::path probe() const { return root / "probe.h5"; }
    std::filesystem::path visualisations() const { return root / "visualisations.h5"; }
    std::filesystem::path interpret_options() const { return root / "interpret.options.json"; }
    std::filesystem::path evaluation(const std::string& file) const { return root / "evaluate" / file; }
    std::filesystem::path explanations() const { return root / "explain"; }
    std::filesystem::path report() const { return root / "report.html"; }
};

/// A data set as a run's network is shown it: images as they are or coded as spikes, or recordings in bins.
struct RunData {
    std::string name;
    std::map<std::string, std::string> sha256;
    std::shared_ptr<const SampleSource> train, test;
    Coding coding;
    uint64_t coding_seed = 1;
    int coding_steps = 0;

    /// Whether images are coded as spikes.
    bool coded() const { return coding.kind != CodingKind::direct; }
    /// Where a test sample's random spikes are addressed.
    int64_t test_address(int64_t index) const { return train->size() + index; }
    /// Images [N, C, H, W] as the network is shown them; `addresses` are those of random coders.
    Input shown(const FloatArray& images, std::span<const int64_t> addresses) const;
};

/// Loads a data set; `steps` and `seed` are of the coder. Throws InputError for coded recordings and binned images.
RunData load_run_data(const std::string& source, const std::string& binning, const std::string& coding, int steps,
                      uint64_t seed);

/// How a later command finds the data again: a known name, or a folder wherever the program is started.
std::string source_of(const std::string& data);

/// The manifest's "data": { "name", "source", "sha256", "binning", "coding" }
nlohmann::json data_document(const RunData& data, const std::string& source, const std::string& binning);

/// A run that has been trained: its network, what was recorded about it, and its data.
struct OpenRun {
    RunDirectory files;
    nlohmann::json manifest;
    std::shared_ptr<const Network> network;
    std::string fingerprint;

    std::string data_name() const { return manifest.at("data").at("name").get<std::string>(); }
    /// Loads the run's data set and checks that its files are the ones the run was made with. A coding other than the run's own
    /// may be given.
    RunData load_data(const std::string& coding = {}) const;
    /// Of recordings, "1ms"; empty for images
    std::string binning() const;
};

/// Throws InputError when there is no trained run at `root`.
OpenRun open_run(const std::filesystem::path& root);

/// The result of a command in this run, or null when it has not been made for this model.
nlohmann::json result_of(const OpenRun& run, const std::string& command);

}  // namespace spikelens::app

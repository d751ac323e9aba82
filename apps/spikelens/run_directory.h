#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/data/dataset.h"
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
    std::filesystem::path visualisations() const { return root / "visualisations.h5"; }
    std::filesystem::path interpret_options() const { return root / "interpret.options.json"; }
    std::filesystem::path evaluation(const std::string& file) const { return root / "evaluate" / file; }
    std::filesystem::path explanations() const { return root / "explain"; }
    std::filesystem::path report() const { return root / "report.html"; }
};

/// A run that has been trained: its network, what was recorded about it, and its data.
struct OpenRun {
    RunDirectory files;
    nlohmann::json manifest;
    Network network;
    std::string fingerprint;

    std::string data_name() const { return manifest.at("data").at("name").get<std::string>(); }
    /// Loads the run's data set and checks that its files are the ones the run was made with.
    LoadedDataset load_data() const;
};

/// Throws InputError when there is no trained run at `root`.
OpenRun open_run(const std::filesystem::path& root);

/// The result of a command in this run, or null when it has not been made for this model.
nlohmann::json result_of(const OpenRun& run, const std::string& command);

}  // namespace spikelens::app

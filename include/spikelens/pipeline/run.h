#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/pipeline/identity.h"
#include "spikelens/pipeline/run_data.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// The files of a run, by name. docs/formats.md lists them.
struct RunDirectory {
    std::filesystem::path root;

    std::filesystem::path manifest() const { return root / "manifest.json"; }
    std::filesystem::path model() const { return root / "model.safetensors"; }
    std::filesystem::path checkpoint() const { return root / "checkpoint.safetensors"; }
    std::filesystem::path epoch(int number) const {
        return root / "epochs" / (std::to_string(number) + ".safetensors");
    }
    std::filesystem::path result(const std::string& stage) const { return root / (stage + ".json"); }
    std::filesystem::path responses() const { return root / "responses.h5"; }
    std::filesystem::path relevant() const { return root / "relevant.json"; }
    std::filesystem::path ablation() const { return root / "ablation.json"; }
    std::filesystem::path probe() const { return root / "probe.h5"; }
    std::filesystem::path visualisations() const { return root / "visualisations.h5"; }
    std::filesystem::path evaluation(const std::string& file) const { return root / "evaluate" / file; }
    std::filesystem::path explanations() const { return root / "explain"; }
    std::filesystem::path report() const { return root / "report.html"; }
};

/// How a stage was made: the words after the program's name that make it again, and the seed.
struct StageRecord {
    std::vector<std::string> command;
    uint64_t seed = 1;
};

/// A run that has been trained: its network, what was recorded about it, and its data.
struct Run {
    RunDirectory files;
    nlohmann::json manifest;  ///< its fields have the types that docs/formats.md gives them
    std::shared_ptr<const Network> network;
    std::string fingerprint;
    std::vector<std::string> warnings;  ///< of its training (TrainResult::warnings), to be shown beside every result

    /// Throws InputError when there is no trained run at `root`, a file of it says something else than a run's does, or
    /// model and manifest are of two runs, since writing the second was interrupted.
    static Run open(const std::filesystem::path& root);

    std::string data_name() const;
    std::string binning() const;  ///< of recordings, "1ms"; empty for images
    /// Whether the data are a folder of pictures, and what its pictures are read with where that is not the usual.
    bool has_pictures() const;
    PictureWords pictures() const;
    std::string coding() const;            ///< of images that are coded; empty otherwise
    std::string coding_or_direct() const;  ///< "rate"; "direct" where nothing is coded
    uint64_t seed() const;                 ///< of training and of the coding
    std::string surrogate() const;         ///< of gradient methods; empty: the usual one

    /// Loads the run's data set and checks that its files are the ones the run was made with. A coding other than the
    /// run's own may be given.
    RunData load_data(const Execution& execution, const std::string& coding = {}) const;

    /// What every result of this run depends on: the model, the data, and how they are shown (in the run's own coding
    /// unless one is given).
    Identity identity(const std::string& coding = {}) const;
    /// The identity of a stage's result, which depends on the version of what computes it too. `revision` is raised
    /// when what the stage computes changes.
    Identity identity_of(const std::string& stage, int revision, const std::string& coding = {}) const;

    /// Why the file of results at `path` (pipeline/store.h) was not made of this run as it is: "other data". Empty when
    /// it was.
    std::string why_stale(const std::filesystem::path& path) const;

    /// The document of a stage; null when it has not been made. Throws InputError when it is no such document.
    nlohmann::json document(const std::string& stage) const;
    /// Why this document of a stage was not made of this run as it is; empty when it was.
    std::string why_stale(const nlohmann::json& document) const;
};

/// A run about to be written.
struct NewRun {
    const Network& network;
    const RunData& data;
    std::string source;                  ///< of the data: a known name or a folder
    std::string stage;                   ///< "train" or "import"
    StageRecord made;                    ///< how the stage is made again
    std::vector<std::string> arguments;  ///< the command line that was called
    nlohmann::json options;
    nlohmann::json document;  ///< train.json, but for its identity
};

/// Writes model, train.json and, last, the manifest: until it is there the run is the one before, and what was
/// interrupted is noticed by the identity. What is recorded of later stages stays where network and data are the same.
/// Gives train.json.
nlohmann::json create_run(const RunDirectory& files, const NewRun& run);

/// Puts a stage into the manifest's "stages": { "interpret": { "command": [words], "seed": 1 }, … }, in place of its
/// record.
void record_stage(const RunDirectory& files, const std::string& stage, const StageRecord& record);
/// The same for a stage whose document holds what several calls made: a list.
void record_calls(const RunDirectory& files, const std::string& stage, const std::vector<StageRecord>& records);
/// One call more: in the list it is once. Without `keep` the list begins anew.
void record_call(const RunDirectory& files, const std::string& stage, const StageRecord& record, bool keep);

}  // namespace spikelens

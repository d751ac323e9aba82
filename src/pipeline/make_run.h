#pragma once

#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/made_run.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

constexpr int kUsualSteps = 10;

/// What `train` and `import` know of the run that they make.
struct RunInMaking {
    RunDirectory files;
    std::string source;  ///< of the data: a known name or a folder
    const RunData& data;
    const SampleSource& train;  ///< the training samples that count
    const Network& network;
    nlohmann::json options;
    StageRecord made;
    std::vector<std::string> arguments;
};

/// Measures the run on both sets, by exact simulation.
MadeRun measure_run(const RunInMaking& making, const Engine& engine);

/// Writes the run with the result of its stage, whose MadeRun came from measure_run.
void write_made_run(const RunInMaking& making, const std::string& stage, const nlohmann::json& result);

/// Throws InputError unless the network has an output for every class of the data.
void check_outputs(const Network& network, const SampleSource& samples, const std::string& data);

/// Gives the network a new last layer with so many outputs, whose weights are drawn as initialise_weights draws them.
void replace_last_layer(Network& network, int64_t outputs, uint64_t seed);

/// How many of `available` samples are meant by a number asked for; 0 means all. A line says so where there are fewer.
int64_t samples_meant(int64_t asked, int64_t available, const StageNotes& notes, std::string_view part = "training");

/// Says which pictures were left out, each in a line.
void say_damaged(const RunData& data, const StageNotes& notes);

std::shared_ptr<const RunLock> locked(const LockRun& lock, const std::filesystem::path& root);

}  // namespace spikelens

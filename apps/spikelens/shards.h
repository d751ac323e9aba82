#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "spikelens/pipeline/shard.h"

#include "commands.h"
#include "run_directory.h"

namespace spikelens::app {

/// Adds --shard to a stage's command.
CLI::Option* add_shard(CLI::App& app, std::string& shard);

/// One shard of a stage of the run at `root`: alone in the shard's folder, beside whoever works on other shards.
Outcome compute_shard(const std::filesystem::path& root, const std::string& stage, const std::string& shard,
                      const Globals& globals, Console& console,
                      const std::function<ShardResult(const OpenRun& run, const Shard& shard)>& compute);

}  // namespace spikelens::app

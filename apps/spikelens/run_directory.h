#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/run_lock.h"

#include "commands.h"

namespace spikelens::app {

using OpenRun = spikelens::Run;

/// Throws InputError, saying which command makes one, when there is no trained run at `root`.
OpenRun open_run(const std::filesystem::path& root);

/// What a run's results must not be read without: its training diverged, or taught nothing. A line on the console each, behind
/// the result.
void say_warnings(const OpenRun& run, Console& console);

/// The run as its only writer, for as long as the lock lives.
struct WrittenRun {
    std::shared_ptr<const RunLock> lock;
    OpenRun run;
};
/// Its warnings are said, but where the caller holds the run already and has said them.
WrittenRun open_to_write(const std::filesystem::path& root, const Globals& globals, Console& console);

/// The lock of a run directory, which is made where it is missing; the caller's own where it holds it already (globals.locks).
/// While another process writes there it waits, saying so in a line, or throws RunError where the user does not want to wait.
std::shared_ptr<const RunLock> lock_run(const std::filesystem::path& root, const Globals& globals, Console& console);

/// The run for a command that writes into `out` (empty: into the run): with the lock where `out` lies in the run, else without.
WrittenRun open_for_output(const std::filesystem::path& root, const std::filesystem::path& out, const Globals& globals,
                           Console& console);

/// The result of a stage in this run; null when it has not been made, or, said in a line, of another model, data or filters.
nlohmann::json result_of(const OpenRun& run, const std::string& stage, Console& console);

/// Whether the run has this file of results, and it is of the run as it is.
bool is_current(const OpenRun& run, const std::filesystem::path& path);

}  // namespace spikelens::app

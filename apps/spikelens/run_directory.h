#pragma once

#include <filesystem>
#include <memory>

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
/// Its warnings are said.
WrittenRun open_to_write(const std::filesystem::path& root, const Globals& globals, Console& console);

/// The lock of a run directory, which is made where it is missing.
/// While another process writes there it waits, saying so in a line, or throws RunError where the user does not want to wait.
std::shared_ptr<const RunLock> lock_run(const std::filesystem::path& root, const Globals& globals, Console& console);

/// The run for a command that writes into `out` (empty: into the run): with the lock where `out` lies in the run, else without.
WrittenRun open_for_output(const std::filesystem::path& root, const std::filesystem::path& out, const Globals& globals,
                           Console& console);

}  // namespace spikelens::app

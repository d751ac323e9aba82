#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/run_lock.h"

#include "console.h"

namespace spikelens::app {

/// Options every command takes.
struct Globals {
    bool json = false;
    bool quiet = false;
    bool no_wait = false;  ///< for a run into which another process writes
    uint64_t seed = 1;
    int threads = 0;
    int64_t memory = Execution{}.memory;
    std::vector<std::string> arguments{};  ///< the command line after the program's name, for the manifest
};

/// Throws InputError, saying which command makes one, when there is no trained run at `root`.
Run open_run(const std::filesystem::path& root);

/// What a run's results must not be read without: its training diverged, or taught nothing. A line on the console each, behind
/// the result.
void say_warnings(const std::vector<std::string>& warnings, Console& console);

/// The run as its only writer, for as long as the lock lives.
struct WrittenRun {
    std::shared_ptr<const RunLock> lock;
    Run run;
};
/// The run for a command that writes into `out` (empty: into the run): with the lock where `out` lies in the run, else without.
/// Its warnings are said.
WrittenRun open_to_write(const std::filesystem::path& root, const Globals& globals, Console& console,
                         const std::filesystem::path& out = {});

/// The lock of a run directory, which is made where it is missing.
/// While another process writes there it waits, saying so in a line, or throws RunError where the user does not want to wait.
std::shared_ptr<const RunLock> lock_run(const std::filesystem::path& root, const Globals& globals, Console& console);

}  // namespace spikelens::app

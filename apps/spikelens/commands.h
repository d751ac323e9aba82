#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/train.h"
#include "spikelens/report/stage.h"

#include "console.h"
#include "interrupt.h"
#include "options.h"
#include "run_directory.h"

namespace spikelens {
class Ranks;
}

namespace spikelens::app {

/// What a command gives back: its result document, and the same for people.
struct Outcome {
    nlohmann::json document;
    std::string text;
};

/// A command as it was called: with the options of every command, and where it may speak.
struct Call {
    const Globals& globals;
    Console& console;
    Ranks* ranks = nullptr;  ///< the processes of one job, where this is one of several

    /// How the library is to work for this command: with progress on the console, stopped when the program is.
    Execution execution() const { return {globals.threads, globals.memory, "", console.progress(), asked_to_stop}; }
    StageNotes notes() const { return console.notes(); }
    LockRun lock() const {
        return [this](const std::filesystem::path& root) { return lock_run(root, globals, console); };
    }
};

/// A command: its options, and what it does. `parts` are commands below it ("data check").
struct Command {
    std::string name, description;
    OptionTable options{};
    std::function<Outcome(const Call& call)> run{};
    std::vector<Command> parts{};
    bool shares = false;  ///< its work among the processes of a job
};

/// A command whose options are a struct: declare(OptionTable&, Options&) binds them, `run` gets them.
template <class Options, class Body>
Command command_of(std::string name, std::string description, const Body& run) {
    const auto options = std::make_shared<Options>();
    Command command{std::move(name), std::move(description)};
    declare(command.options, *options);
    command.run = [options, run](const Call& call) { return run(*options, call); };
    return command;
}

Command train_command();
Command import_command();
Command interpret_command();
Command explain_command();
Command evaluate_command();
Command merge_command();
Command report_command();
Command reproduce_command();
Command codings_command();
Command inspect_command();
Command export_command();
Command data_command();
Command methods_command();

struct InterpretCommand : InterpretOptions {
    std::filesystem::path run;
    std::string shard{};
};
struct EvaluateCommand : EvaluateOptions {
    std::filesystem::path run;
    std::string shard{};
};
struct ReportCommand : ReportOptions {
    std::filesystem::path run;
};
void declare(OptionTable& table, TrainRunOptions& options);
void declare(OptionTable& table, ImportOptions& options);
void declare(OptionTable& table, InterpretCommand& options);
void declare(OptionTable& table, EvaluateCommand& options);
void declare(OptionTable& table, ReportCommand& options);

inline std::string reset_word(Reset reset) { return std::string(reset_words[static_cast<size_t>(reset)]); }

/// A batch of training is worth waiting for, up to here.
constexpr std::chrono::seconds kTrainingPatience{3};

void add_shard(OptionTable& table, std::string& shard);
using ComputeShard = std::function<ShardResult(const spikelens::Run& run, const Shard& shard, const Execution& execution)>;
/// The run, open to write. Where this is one of a job's processes, they have computed the stage's shards, one each, and the
/// first has put them together, so that the stage goes on from there; to the others it gives no run and no lock.
WrittenRun open_shared(const std::string& stage, const std::filesystem::path& root, const Call& call,
                       const ComputeShard& compute);
/// One shard of a stage of the run at `root`: alone in the shard's folder, beside whoever works on other shards.
Outcome compute_shard(const std::filesystem::path& root, const std::string& stage, const std::string& shard, const Call& call,
                      const ComputeShard& compute);

}  // namespace spikelens::app

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/pipeline/explain.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/filters.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/run_lock.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/reproduce/reproduce.h"

#include "console.h"
#include "options.h"

namespace spikelens {
class Ranks;
}

namespace spikelens::app {

inline const Words<KeptEpoch> kEpochWords = {{"last", KeptEpoch::last}, {"best", KeptEpoch::best}};

/// Options every command takes.
struct Globals {
    bool json = false;
    bool quiet = false;
    bool no_wait = false;  ///< for a run into which another process writes
    uint64_t seed = 1;
    int threads = 0;
    int64_t memory = Execution{}.memory;
    Strings arguments{};  ///< the command line after the program's name, for the manifest
};

/// What a command gives back: its result document, and the same for people.
struct Outcome {
    nlohmann::json document;
    std::string text;
};
inline Outcome outcome_of(Outcome outcome) { return outcome; }
template <Record Result>
Outcome outcome_of(const Result& result) {
    return {document_of(result), text_of(result)};
}

/// A run as its only writer, for as long as the lock lives.
struct WrittenRun {
    std::shared_ptr<const RunLock> lock;
    Run run;
};

/// A command as it was called: with the options of every command, and where it may speak.
struct Call {
    const Globals& globals;
    Console& console;
    Ranks* ranks = nullptr;  ///< the processes of one job, where this is one of several

    /// How the library is to work for this command: with progress on the console, stopped when the program is.
    Execution execution(const std::string& engine = Execution{}.engine) const;
    StageNotes notes() const { return console.notes(); }
    /// The lock of a run directory, which is made where it is missing. While another process writes there it waits,
    /// saying so in a line, or throws RunError where the user does not want to wait.
    std::shared_ptr<const RunLock> lock(const std::filesystem::path& root) const;
    LockRun locks() const {
        return [this](const std::filesystem::path& root) { return lock(root); };
    }
    /// Throws InputError, saying which command makes one, when there is no trained run at `root`. Its warnings are
    /// said.
    Run open(const std::filesystem::path& root) const;
    /// The run for a command that writes into `out` (empty: into the run): with the lock where `out` lies in the run,
    /// else without.
    WrittenRun open_to_write(const std::filesystem::path& root, const std::filesystem::path& out = {}) const;
    /// What results must not be read without: training diverged, or taught nothing. A line each, behind the result.
    void warn(const Strings& warnings) const;
};

/// A command: its options, and what it does; without `run` it is one of its parts that is called.
struct Command {
    std::string name, description;
    OptionTable options{};
    std::function<Outcome(const Call& call)> run{};
    std::vector<Command> parts{};  ///< commands below it ("data check")
    bool shares = false;           ///< its work among the processes of a job
};

/// What the call says of a stage, where its options have a place for it.
template <class Options>
void fill(Options& options, const std::string& stage, const Call& call) {
    if constexpr (requires { options.seed; }) options.seed = call.globals.seed;
    if constexpr (requires { options.training.seed; }) options.training.seed = call.globals.seed;
    if constexpr (requires { options.arguments; }) options.arguments = call.globals.arguments;
    if constexpr (requires { options.lock; }) options.lock = call.locks();
    if constexpr (requires { options.again = Strings(); }) options.again = words_of(stage, options, call.globals.seed);
}

/// A command whose options are a struct: declare(OptionTable&, Options&) binds them, `run` gets them and gives a
/// result.
template <class Options, class Body>
Command command_of(std::string name, std::string description, const Body& run) {
    const auto options = std::make_shared<Options>();
    Command command{std::move(name), std::move(description)};
    declare(command.options, *options);
    command.run = [options, run, name = command.name](const Call& call) {
        fill(*options, name, call);
        return outcome_of(run(*options, call));
    };
    return command;
}

/// The options of a stage that works on a run, of one that simulates, and of one that several processes may share.
template <class Options>
struct OfRun : Options {
    std::filesystem::path run{};
};
template <class Options>
struct Simulated : OfRun<Options> {
    std::string engine = Execution{}.engine;
};
template <class Options>
struct Shared : Simulated<Options> {
    std::string shard{};
};

void declare(OptionTable& table, TrainRunOptions& options);
void declare(OptionTable& table, ImportOptions& options);
void declare(OptionTable& table, InterpretOptions& options);
void declare(OptionTable& table, FiltersOptions& options);
void declare(OptionTable& table, ExplainOptions& options);
void declare(OptionTable& table, EvaluateOptions& options);
void declare(OptionTable& table, ReportOptions& options);
void declare(OptionTable& table, ReproduceOptions& options);
void declare(OptionTable& table, CodingsOptions& options);
void declare_shard(OptionTable& table, std::string& shard);

template <class Options>
void declare(OptionTable& table, OfRun<Options>& options) {
    table.add("run", options.run, "The run directory").required();
    declare(table, static_cast<Options&>(options));
}
template <class Options>
void declare(OptionTable& table, Simulated<Options>& options) {
    declare(table, static_cast<OfRun<Options>&>(options));
    table.add_engine(options.engine);
}
template <class Options>
void declare(OptionTable& table, Shared<Options>& options) {
    declare(table, static_cast<Simulated<Options>&>(options));
    declare_shard(table, options.shard);
}

using ComputeShard = std::function<ShardResult(const Shard& shard, const Run& run, const Execution& execution)>;
/// One shard of a stage of the run at `root`: alone in the shard's folder, beside whoever works on other shards.
Outcome compute_shard(const std::string& stage, const std::filesystem::path& root, const std::string& shard,
                      const Call& call, const Execution& execution, const ComputeShard& compute);
/// The run, open to write. Where this is one of a job's processes, they have computed the stage's shards, one each, and
/// the first has put them together, so that the stage goes on from there; to the others it gives no run and no lock.
WrittenRun open_shared(const std::string& stage, const std::filesystem::path& root, const Call& call,
                       const Execution& execution, const ComputeShard& compute);
/// A stage's shard, where one is asked for, or all of the stage; a function of the library for each.
template <class Options, class OneShard, class All>
Outcome run_shared(const std::string& stage, const Shared<Options>& options, const Call& call,
                   const OneShard& one_shard, const All& all) {
    const Execution execution = call.execution(options.engine);
    const ComputeShard compute = [&](const Shard& shard, const Run& run, const Execution& shared) {
        return one_shard(run, options, shard, shared, call.notes());
    };
    if (!options.shard.empty()) return compute_shard(stage, options.run, options.shard, call, execution, compute);
    const WrittenRun written = open_shared(stage, options.run, call, execution, compute);
    return written.lock ? outcome_of(all(written.run, options, execution, call.notes())) : Outcome();
}

/// The words by which the library's studies say how their stages are run again.
StageWords stage_words(uint64_t seed);

template <class Value>
Option& add_reset(OptionTable& table, Value& reset, const std::string& help) {
    Words<Reset> words;
    for (size_t i = 0; i < kResetWords.size(); ++i) words.emplace_back(kResetWords[i], static_cast<Reset>(i));
    return table.add_choice("--reset", reset, words, help);
}

/// A batch of training is worth waiting for, up to here.
constexpr std::chrono::seconds kTrainingPatience{3};

Command train_command();
Command import_command();
Command interpret_command();
Command filters_command();
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

}  // namespace spikelens::app

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "spikelens/core/execution.h"
#include "spikelens/data/pictures.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/interpret.h"
#include "spikelens/pipeline/train.h"
#include "spikelens/report/stage.h"

#include "console.h"
#include "interrupt.h"

namespace spikelens::app {

/// Options every command takes.
struct Globals {
    bool json = false;
    bool quiet = false;
    uint64_t seed = 1;
    int threads = 0;
    int64_t memory = Execution{}.memory;
    bool no_wait = false;                ///< for a run into which another process writes
    std::vector<std::string> arguments;  ///< the command line after the program's name, for the manifest

    /// How the library is to work for this command: with progress on the console, stopped when the program is.
    Execution execution(Console& console) const { return {threads, memory, "", console.progress(), asked_to_stop}; }
};

/// What a command gives back: its result document, and the same for people.
struct Outcome {
    nlohmann::json document;
    std::string text;
};

/// Adds the command to the program; `run` is set to what it does when it was called.
using Run = std::function<Outcome(const Globals&, Console&)>;
void add_train(CLI::App& program, Run& run);
void add_interpret(CLI::App& program, Run& run);
void add_explain(CLI::App& program, Run& run);
void add_evaluate(CLI::App& program, Run& run);
void add_merge(CLI::App& program, Run& run);
void add_report(CLI::App& program, Run& run);
void add_reproduce(CLI::App& program, Run& run);
void add_inspect(CLI::App& program, Run& run);
void add_data(CLI::App& program, Run& run);
void add_methods(CLI::App& program, Run& run);
void add_import(CLI::App& program, Run& run);
void add_export(CLI::App& program, Run& run);
void add_codings(CLI::App& program, Run& run);

/// The stages; `reproduce` calls them in turn. The seed, the words that make them again and the lock are put in by the calls.
TrainResult call_train(TrainRunOptions options, const Globals& globals, Console& console);
ImportResult call_import(ImportOptions options, const Globals& globals, Console& console);

struct InterpretCommand : InterpretOptions {
    std::filesystem::path run;
};
InterpretResult call_interpret(const InterpretCommand& command, const Globals& globals, Console& console);

/// A batch of training is worth waiting for, up to here.
constexpr std::chrono::seconds kTrainingPatience{3};

struct EvaluateCommand : EvaluateOptions {  ///< its methods and metrics may hold commas
    std::filesystem::path run;
};
EvaluateResult call_evaluate(const EvaluateCommand& command, const Globals& globals, Console& console);
std::string text_of(const EvaluateResult& result);

struct ReportCommand : ReportOptions {  ///< its methods may hold commas
    std::filesystem::path run;
};
ReportResult call_report(const ReportCommand& command, const Globals& globals, Console& console);

/// The options of folders of pictures: --resize and its like.
void add_picture_options(CLI::App* app, PictureWords& words);

/// Cuts a list of methods, metrics or codings at commas, but not within parentheses: "rate,latency(log,tau=3)" is two.
std::vector<std::string> split_list(const std::vector<std::string>& words);

}  // namespace spikelens::app

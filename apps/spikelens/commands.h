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
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/report/stage.h"
#include "spikelens/snn/network.h"

#include "console.h"
#include "interrupt.h"

namespace spikelens {
struct TrainResult;
struct ImportResult;
struct InterpretResult;
}  // namespace spikelens

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
void add_report(CLI::App& program, Run& run);
void add_reproduce(CLI::App& program, Run& run);
void add_inspect(CLI::App& program, Run& run);
void add_data(CLI::App& program, Run& run);
void add_methods(CLI::App& program, Run& run);
void add_import(CLI::App& program, Run& run);
void add_export(CLI::App& program, Run& run);
void add_codings(CLI::App& program, Run& run);

/// The stages, with their options as the command line gives them.
struct TrainCommand {
    std::string data = "fashion-mnist";
    std::string network = "shallow";
    std::string coding = "direct";
    std::string binning;  ///< of recordings; empty: 1 ms
    std::filesystem::path out;
    int steps = 10;
    int epochs = 5;
    int batch = 100;
    double learning_rate = 0.3;
    double momentum = 0.9;
    double weight_decay = 0;
    double clip_norm = 0;
    std::string surrogate = "triangle";
    float beta = 0.95F;
    float threshold = 1.0F;
    std::string reset = "subtract";
    bool delay = false;
    bool bias = true;
    int64_t samples = 0;           ///< of the training set; 0: all
    double checkpoint_every = 30;  ///< seconds; 0: after every batch
    bool restart = false;
};
TrainResult call_train(const TrainCommand& command, const Globals& globals, Console& console);

struct ImportCommand {
    std::filesystem::path file, out;
    std::string data;  ///< empty: a model file is written and no run
    std::string binning, coding;
    std::string network, input, reset;
    std::optional<int64_t> classes;   ///< of a preset; absent: 10
    std::optional<int> steps;         ///< absent: the default of what is imported
    std::string match;                ///< empty: auto
    std::vector<std::string> layers;  ///< LAYER=MODULE
    std::string neurons;              ///< empty: agree
    std::string dialect;              ///< empty: auto
    std::optional<double> dt;         ///< absent: the dialect's
    std::string surrogate;            ///< empty: atan(2,through_reset)
};
ImportResult call_import(const ImportCommand& command, const Globals& globals, Console& console);

struct InterpretCommand {
    std::filesystem::path run;
    double mu = 2;
    int mu_max = 50;
    std::string response = "energy";
    bool is_signed = false;
    int draws = 5;
    int64_t samples = 0;        ///< of the training set; 0: all
    int64_t probe_samples = 0;  ///< fit probes to so many training images; 0: none
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

/// Cuts a list of methods or metrics at commas.
std::vector<std::string> split_list(const std::vector<std::string>& words);

}  // namespace spikelens::app

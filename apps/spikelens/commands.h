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
#include "spikelens/snn/network.h"

#include "console.h"
#include "interrupt.h"

namespace spikelens {
class RunLock;
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
    bool no_wait = false;                               ///< for a run into which another process writes
    std::vector<std::string> arguments;                 ///< the command line after the program's name, for the manifest
    std::vector<std::shared_ptr<const RunLock>> locks;  ///< runs that the caller of a stage holds already

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

/// The stages, with their options as the command line gives them; `reproduce` calls them in turn.
struct TrainCommand {
    std::string data = "fashion-mnist";
    std::string network = "shallow";
    std::string coding = "direct";
    std::string binning;    ///< of recordings; empty: 1 ms
    PictureWords pictures;  ///< of folders of pictures
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
    PictureWords pictures;
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

struct EvaluateCommand {
    std::filesystem::path run;
    std::vector<std::string> methods;  ///< empty: a usual set for images or recordings
    std::vector<std::string> metrics;  ///< empty: insertion and deletion, of pixels or spikes
    int64_t samples = 1000;            ///< 0: the whole test set
    std::string baseline = "black";
    std::string coding;  ///< empty: the run's own
    int64_t step = 0;
    int64_t spike_steps = 20;
};
Outcome run_evaluate(const EvaluateCommand& command, const Globals& globals, Console& console);

struct ReportCommand {
    std::filesystem::path run;
    std::filesystem::path out;  ///< empty: report.html in the run
    int images = 24;
    std::vector<std::string> methods;  ///< empty: those evaluated, or a default set
};
Outcome run_report(const ReportCommand& command, const Globals& globals, Console& console);

/// The options of folders of pictures: --resize and its like.
void add_picture_options(CLI::App* app, PictureWords& words);

/// Cuts a list of methods or metrics at commas.
std::vector<std::string> split_list(const std::vector<std::string>& words);

}  // namespace spikelens::app

#include "spikelens/reproduce/reproduce.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "reproduce.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

std::string cell(const nlohmann::json& value) {
    if (value.is_null()) return "-";
    return value.is_string() ? value.get<std::string>() : fmt::format("{:.4f}", value.get<double>());
}

StageWords words_of(const Globals& globals) {
    StageWords words;
    words.train = [](const TrainRunOptions& stage) { return arguments_of(stage); };
    words.import = [](const ImportOptions& stage) { return arguments_of(stage); };
    words.interpret = [&globals](const std::filesystem::path& run, const InterpretOptions& stage) {
        return arguments_of(InterpretCommand{stage, run}, globals);
    };
    words.evaluate = [&globals](const std::filesystem::path& run, const EvaluateOptions& stage) {
        return arguments_of(EvaluateCommand{stage, run}, globals);
    };
    words.report = [&globals](const std::filesystem::path& run, const ReportOptions& stage) {
        return arguments_of(ReportCommand{stage, run}, globals);
    };
    return words;
}

template <class Result>
Outcome outcome_of(const Result& result) {
    return {document_of(result), text_of(result.evaluate) + "\n" + claims_text(result.claims) + result.report + "\n"};
}

Outcome run_reproduce(const std::string& experiment, ReproduceOptions options, const Globals& globals, Console& console) {
    const std::vector<std::string> known = {"svebi-mnist", "bitar-nmnist", "coding-fashion"};
    if (std::ranges::find(known, experiment) == known.end())
        throw InputError("unknown experiment '" + experiment + "'" + suggestion(experiment, known));
    if (options.out.empty()) options.out = "runs/" + experiment;
    if (experiment == "coding-fashion") return reproduce_coding_fashion(options, globals, console);
    options.seed = globals.seed;
    options.words = words_of(globals);
    options.arguments = globals.arguments;
    options.lock = [&](const std::filesystem::path& root) { return lock_run(root, globals, console); };
    be_patient(kTrainingPatience);
    const Execution execution = globals.execution(console);
    if (experiment == "svebi-mnist") return outcome_of(reproduce_svebi_mnist(options, execution, console.notes()));
    return outcome_of(reproduce_bitar_nmnist(options, execution, console.notes()));
}

}  // namespace

std::string claims_text(const std::vector<PaperClaim>& claims) {
    constexpr auto right = TextTable::Align::right;
    TextTable table({{"claim"}, {"paper", right}, {"measured", right}, {"held"}});
    for (const PaperClaim& row : claims)
        table.add({row.claim, cell(row.paper), cell(row.measured), !row.held ? "-" : *row.held ? "yes" : "no"});
    return table.text();
}

void add_reproduce(CLI::App& program, Run& run) {
    auto options = std::make_shared<ReproduceOptions>();
    auto experiment = std::make_shared<std::string>();
    CLI::App* app = program.add_subcommand("reproduce", "Run a paper's whole experiment and print its numbers beside ours");
    app->add_option("experiment", *experiment, "svebi-mnist, bitar-nmnist or coding-fashion")->required();
    app->add_option("--out", options->out, "The run directory; by default runs/EXPERIMENT");
    app->add_option("--model", options->model, "bitar-nmnist: the NIR network; by default SPIKELENS_DATA/nir/cnn_sinabs.nir");
    app->add_option("--samples", options->samples,
                    "How many test samples to evaluate; 0: all; by default the experiment's choice");
    app->add_option("--train-samples", options->train_samples,
                    "How many training samples to use; 0: all; by default the experiment's choice");
    app->callback([experiment, options, &run] {
        run = [experiment, options](const Globals& globals, Console& console) {
            return run_reproduce(*experiment, *options, globals, console);
        };
    });
}

}  // namespace spikelens::app

#include "spikelens/reproduce/reproduce.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
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

Outcome outcome_of(const SvebiAwa2Result& result) {
    return {document_of(result), text_of(result.insertion) + "\n" + text_of(result.deletion) + "\n" +
                                     claims_text(result.claims) + printable(result.report) + "\n"};
}

template <class Result>
Outcome outcome_of(const Result& result) {
    return {document_of(result),
            text_of(result.evaluate) + "\n" + claims_text(result.claims) + printable(result.report) + "\n"};
}

Outcome run_reproduce(const std::string& experiment, ReproduceOptions options, const PhotographOptions& photographs,
                      const Globals& globals, Console& console) {
    const std::vector<std::string> known = {"svebi-mnist", "svebi-awa2", "bitar-nmnist", "coding-fashion"};
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
    if (experiment == "svebi-awa2") return outcome_of(reproduce_svebi_awa2(options, photographs, execution, console.notes()));
    if (experiment == "svebi-mnist") return outcome_of(reproduce_svebi_mnist(options, execution, console.notes()));
    return outcome_of(reproduce_bitar_nmnist(options, execution, console.notes()));
}

std::vector<CLI::Option*> add_photograph_options(CLI::App* app, PhotographOptions& photographs) {
    const size_t before = app->get_options().size();
    app->add_option("--data", photographs.data, "svebi-awa2: the folder of photographs");
    app->add_option("--weights", photographs.weights, "svebi-awa2: torchvision's weights to start from, .pth or .safetensors");
    app->add_option("--network", photographs.network, "svebi-awa2: a preset or a text")->capture_default_str();
    app->add_option("--steps", photographs.steps, "svebi-awa2: time steps T")->capture_default_str();
    app->add_option("--epochs", photographs.epochs, "svebi-awa2: passes over the training set")->capture_default_str();
    app->add_option("--batch", photographs.batch, "svebi-awa2: samples per step of the optimiser")->capture_default_str();
    app->add_option("--learning-rate", photographs.learning_rate, "svebi-awa2: of training")->capture_default_str();
    app->add_option("--calibrate", photographs.calibrate, "svebi-awa2: batches to balance thresholds on")
        ->capture_default_str();
    add_picture_options(app, photographs.pictures);
    const std::vector<CLI::Option*> all = app->get_options();
    return {all.begin() + static_cast<std::ptrdiff_t>(before), all.end()};
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
    app->add_option("experiment", *experiment, "svebi-mnist, svebi-awa2, bitar-nmnist or coding-fashion")->required();
    app->add_option("--out", options->out, "The run directory; by default runs/EXPERIMENT");
    app->add_option("--model", options->model, "bitar-nmnist: the NIR network; by default SPIKELENS_DATA/nir/cnn_sinabs.nir");
    app->add_option("--samples", options->samples,
                    "How many test samples to evaluate; 0: all; by default the experiment's choice");
    app->add_option("--train-samples", options->train_samples,
                    "How many training samples to use; 0: all; by default the experiment's choice");
    const auto photographs = std::make_shared<PhotographOptions>();
    const std::vector<CLI::Option*> of_photographs = add_photograph_options(app, *photographs);
    app->callback([=, &run] {
        for (const CLI::Option* option : of_photographs)
            if (option->count() > 0 && *experiment != "svebi-awa2")
                throw InputError(option->get_name() + " is an option of svebi-awa2, not of " + *experiment);
        run = [=](const Globals& globals, Console& console) {
            return run_reproduce(*experiment, *options, *photographs, globals, console);
        };
    });
}

}  // namespace spikelens::app

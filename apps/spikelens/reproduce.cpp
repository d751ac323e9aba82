#include "spikelens/reproduce/reproduce.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

#include "codings.h"

namespace spikelens::app {
namespace {

struct ReproduceCommand : ReproduceOptions {
    std::string experiment;
    PhotographOptions photographs;
    Strings of_photographs;  ///< options of `photographs` that were given
};

Outcome outcome_of(const SvebiAwa2Result& result) {
    return {document_of(result), text_of(result.insertion) + "\n" + text_of(result.deletion) + "\n" + text_of(result.claims) +
                                     printable(result.report) + "\n"};
}

template <class Result>
Outcome outcome_of(const Result& result) {
    return {document_of(result), text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n"};
}

Outcome outcome_of(const CodingFashionResult& result, Console& console) {
    say_warnings(result.study.warnings, console);
    return {document_of(result), text_of(result.study) + "\n" + text_of(result.claims)};
}

void declare(OptionTable& table, PhotographOptions& photographs) {
    table.add("--data", photographs.data, "svebi-awa2: the folder of photographs");
    table.add("--weights", photographs.weights, "svebi-awa2: torchvision's weights to start from, .pth or .safetensors");
    table.add("--network", photographs.network, "svebi-awa2: a preset or a text");
    table.add("--steps", photographs.steps, "svebi-awa2: time steps T");
    table.add("--epochs", photographs.epochs, "svebi-awa2: passes over the training set");
    table.add("--batch", photographs.batch, "svebi-awa2: samples per step of the optimiser");
    table.add("--learning-rate", photographs.learning_rate, "svebi-awa2: of training");
    table.add("--calibrate", photographs.calibrate, "svebi-awa2: batches to balance thresholds on");
    table.add_pictures(photographs.pictures);
}

void declare(OptionTable& table, ReproduceCommand& command) {
    table.add("experiment", command.experiment, "svebi-mnist, svebi-awa2, bitar-nmnist or coding-fashion").required();
    table.add("--out", command.out, "The run directory; by default runs/EXPERIMENT");
    table.add("--model", command.model, "bitar-nmnist: the NIR network; by default SPIKELENS_DATA/nir/cnn_sinabs.nir");
    table.add("--samples", command.samples, "How many test samples to evaluate; 0: all; by default the experiment's choice");
    table.add("--train-samples", command.train_samples,
              "How many training samples to use; 0: all; by default the experiment's choice");
    table.add("--seeds", command.seeds, "svebi-mnist, bitar-nmnist: so many runs, with seeds from --seed on; claims over all");
    const size_t of_all = table.options().size();
    declare(table, command.photographs);
    for (size_t i = of_all; i < table.options().size(); ++i) {
        Option& option = *table.options()[i];
        option.read = [&command, name = option.first_name(), read = option.read](const Strings& words) {
            command.of_photographs.push_back(name);
            read(words);
        };
    }
}

Outcome run_reproduce(ReproduceCommand& command, const Call& call) {
    const Strings known = {"svebi-mnist", "svebi-awa2", "bitar-nmnist", "coding-fashion"};
    const std::string& experiment = command.experiment;
    if (std::ranges::find(known, experiment) == known.end())
        throw InputError("unknown experiment '" + experiment + "'" + suggestion(experiment, known));
    if (experiment != "svebi-awa2" && !command.of_photographs.empty())
        throw InputError(command.of_photographs.front() + " is an option of svebi-awa2, not of " + experiment);
    if (command.seeds > 1 && experiment != "svebi-mnist" && experiment != "bitar-nmnist")
        throw InputError("--seeds is an option of svebi-mnist and bitar-nmnist, not of " + experiment);
    if (command.out.empty()) command.out = "runs/" + experiment;
    command.seed = call.globals.seed;
    command.words = stage_words;
    command.arguments = call.globals.arguments;
    command.lock = call.lock();
    be_patient(kTrainingPatience);
    const Execution execution = call.execution();
    if (experiment == "svebi-mnist") return outcome_of(reproduce_svebi_mnist(command, execution, call.notes()));
    if (experiment == "svebi-awa2")
        return outcome_of(reproduce_svebi_awa2(command, command.photographs, execution, call.notes()));
    if (experiment == "bitar-nmnist") return outcome_of(reproduce_bitar_nmnist(command, execution, call.notes()));
    return outcome_of(reproduce_coding_fashion(command, execution, call.notes()), call.console);
}

}  // namespace

StageWords stage_words(uint64_t seed) {
    return {[seed](const TrainRunOptions& stage) { return words_of("train", stage, seed); },
            [seed](const ImportOptions& stage) { return words_of("import", stage, seed); },
            [seed](const auto& run, const InterpretOptions& stage) {
                return words_of("interpret", InterpretCommand{stage, run}, seed);
            },
            [seed](const auto& run, const EvaluateOptions& stage) {
                return words_of("evaluate", EvaluateCommand{stage, run}, seed);
            },
            [seed](const auto& run, const ReportOptions& stage) {
                return words_of("report", ReportCommand{stage, run}, seed);
            }};
}

Command reproduce_command() {
    return command_of<ReproduceCommand>("reproduce", "Run a paper's whole experiment and print its numbers beside ours",
                                        run_reproduce);
}

}  // namespace spikelens::app

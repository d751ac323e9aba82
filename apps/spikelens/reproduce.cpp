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
};

template <class Result>
Outcome outcome_of(const Result& result) {
    return {document_of(result), text_of(result.evaluate) + "\n" + text_of(result.claims) + printable(result.report) + "\n"};
}

Outcome outcome_of(const CodingFashionResult& result, Console& console) {
    say_warnings(result.study.warnings, console);
    return {document_of(result), text_of(result.study) + "\n" + text_of(result.claims)};
}

void declare(OptionTable& table, ReproduceCommand& command) {
    table.add("experiment", command.experiment, "svebi-mnist, bitar-nmnist or coding-fashion").required();
    table.add("--out", command.out, "The run directory; by default runs/EXPERIMENT");
    table.add("--model", command.model, "bitar-nmnist: the NIR network; by default SPIKELENS_DATA/nir/cnn_sinabs.nir");
    table.add("--samples", command.samples, "How many test samples to evaluate; 0: all; by default the experiment's choice");
    table.add("--train-samples", command.train_samples,
              "How many training samples to use; 0: all; by default the experiment's choice");
}

Outcome run_reproduce(ReproduceCommand& command, const Call& call) {
    const Strings known = {"svebi-mnist", "bitar-nmnist", "coding-fashion"};
    const std::string& experiment = command.experiment;
    if (std::ranges::find(known, experiment) == known.end())
        throw InputError("unknown experiment '" + experiment + "'" + suggestion(experiment, known));
    if (command.out.empty()) command.out = "runs/" + experiment;
    command.seed = call.globals.seed;
    command.words = stage_words(command.seed);
    command.arguments = call.globals.arguments;
    command.lock = call.lock();
    be_patient(kTrainingPatience);
    const Execution execution = call.execution();
    if (experiment == "svebi-mnist") return outcome_of(reproduce_svebi_mnist(command, execution, call.notes()));
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

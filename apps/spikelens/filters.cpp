#include "spikelens/pipeline/filters.h"

#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

#include "commands.h"

namespace spikelens::app {
namespace {

struct FiltersCommand : FiltersOptions {
    std::filesystem::path run;
};

void declare(OptionTable& table, FiltersCommand& command) {
    table.add("run", command.run, "The run directory, interpreted").required();
    table.add("--train-samples", command.train_samples, "Training samples that tell evidence, from the first on; 0: all");
    table.add("--samples", command.samples, "Test samples on which filters are silenced, from the first on; 0: all");
    table.add("--draws", command.draws, "Random filter sets per class and size");
    table.add("--bootstraps", command.bootstraps, "Bootstraps of the training samples; 0: stability is not measured");
    table.add("--least-active", command.least_active, "Share of the training samples in which a live filter spikes");
}

Outcome run_filters(FiltersCommand& command, const Call& call) {
    command.seed = call.globals.seed;
    command.again = words_of("filters", command, call.globals.seed);
    const WrittenRun written = open_to_write(command.run, call.globals, call.console);
    const FiltersResult result = compare_filters(written.run, command, call.execution(), call.notes());
    return {document_of(result), text_of(result)};
}

}  // namespace

Command filters_command() {
    return command_of<FiltersCommand>(
        "filters", "Rank each class's filters by evidence, and compare ways to choose those that matter", run_filters);
}

}  // namespace spikelens::app

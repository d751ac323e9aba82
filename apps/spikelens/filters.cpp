#include "spikelens/pipeline/filters.h"

#include "commands.h"

namespace spikelens::app {
namespace {

FiltersResult run_filters(const Simulated<FiltersOptions>& options, const Call& call) {
    const WrittenRun written = call.open_to_write(options.run);
    return compare_filters(written.run, options, call.execution(options.engine), call.notes());
}

}  // namespace

void declare(OptionTable& table, FiltersOptions& options) {
    table.add("--train-samples", options.train_samples,
              "Training samples that tell evidence, from the first on; 0: all");
    table.add("--samples", options.samples, "Test samples on which filters are silenced, from the first on; 0: all");
    table.add("--draws", options.draws, "Random filter sets per class and size");
    table.add("--bootstraps", options.bootstraps, "Bootstraps of the training samples; 0: stability is not measured");
    table.add("--least-active", options.least_active, "Share of the training samples in which a live filter spikes");
}

Command filters_command() {
    return command_of<Simulated<FiltersOptions>>(
        "filters", "Rank each class's filters by evidence, and compare ways to choose those that matter", run_filters);
}

}  // namespace spikelens::app

#include "spikelens/pipeline/interpret.h"

#include "commands.h"

namespace spikelens::app {
namespace {

/// A shard sums responses; the rest is of no shard.
void check_shard(const Shared<InterpretOptions>& options) {
    Shared<InterpretOptions> taken;
    taken.run = options.run, taken.shard = options.shard;
    taken.response = options.response, taken.samples = options.samples;
    if (words_of("interpret", options, 1) != words_of("interpret", taken, 1))
        throw InputError(
            "a shard sums responses alone: --mu, --mu-max, --signed, --draws and --probe-samples are for spikelens "
            "interpret without --shard, after spikelens merge");
}

Outcome run_interpret(const Shared<InterpretOptions>& options, const Call& call) {
    if (!options.shard.empty()) check_shard(options);
    return run_shared<InterpretOptions>("interpret", options, call, interpret_shard, interpret_run);
}

}  // namespace

void declare(OptionTable& table, InterpretOptions& options) {
    static const Words<ResponseKind> responses = {{"energy", ResponseKind::energy}, {"l2", ResponseKind::l2}};
    table.add("--mu", options.mu, "The budget whose filters are shown and used for heatmaps");
    table.add("--mu-max", options.mu_max, "Largest budget: 1, 2, … up to it are swept");
    table.add_choice("--response", options.response, responses,
                     "How a filter's response is measured; the reference code measures energy");
    table.add("--signed", options.is_signed, "Allow negative weights");
    table.add("--draws", options.draws, "Random filter sets per class and size");
    table.add("--train-samples", options.samples, "How many training samples to use, from the first on; 0: all");
    table.add("--probe-samples", options.probe_samples,
              "How many training images to fit the method probe on (20000 is plenty); 0: do not fit it");
}

Command interpret_command() {
    Command command = command_of<Shared<InterpretOptions>>(
        "interpret", "Find the filters that drive each class (SVEBI), ablate them, and draw what they see",
        run_interpret);
    command.shares = true;
    return command;
}

}  // namespace spikelens::app

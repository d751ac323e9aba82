#include "spikelens/pipeline/interpret.h"

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

#include "commands.h"

namespace spikelens::app {
namespace {

/// A shard sums responses; the rest is of no shard.
void check_shard(const InterpretCommand& given) {
    const InterpretCommand usual;
    if (given.mu != usual.mu || given.mu_max != usual.mu_max || given.is_signed != usual.is_signed ||
        given.draws != usual.draws || given.probe_samples != usual.probe_samples)
        throw InputError(
            "a shard sums responses alone: --mu, --mu-max, --signed, --draws and --probe-samples are for spikelens interpret "
            "without --shard, after spikelens merge");
}

Outcome run_interpret(InterpretCommand& command, const Call& call) {
    command.seed = call.globals.seed;
    const auto compute = [&](const Run& run, const Shard& shard, const Execution& execution) {
        return interpret_shard(run, command, shard, execution, call.notes());
    };
    if (!command.shard.empty()) {
        check_shard(command);
        return compute_shard(command.run, "interpret", command.shard, call, compute);
    }
    command.again = words_of("interpret", command, call.globals.seed);
    const WrittenRun written = open_shared("interpret", command.run, call, compute);
    if (!written.lock) return {};
    const InterpretResult result = interpret_run(written.run, command, call.execution(), call.notes());
    return {document_of(result), text_of(result)};
}

}  // namespace

void declare(OptionTable& table, InterpretCommand& command) {
    static const Words<ResponseKind> responses = {{"energy", ResponseKind::energy}, {"l2", ResponseKind::l2}};
    table.add("run", command.run, "The run directory").required();
    table.add("--mu", command.mu, "The budget whose filters are shown and used for heatmaps");
    table.add("--mu-max", command.mu_max, "Largest budget: 1, 2, … up to it are swept");
    table.add_choice("--response", command.response, responses,
                     "How a filter's response is measured: energy (reference code) or l2");
    table.add("--signed", command.is_signed, "Allow negative weights");
    table.add("--draws", command.draws, "Random filter sets per class and size");
    table.add("--train-samples", command.samples, "How many training samples to use, from the first on; 0: all");
    table.add("--probe-samples", command.probe_samples,
              "How many training images to fit the method probe on (20000 is plenty); 0: do not fit it");
    add_shard(table, command.shard);
}

Command interpret_command() {
    Command command = command_of<InterpretCommand>(
        "interpret", "Find the filters that drive each class (SVEBI), ablate them, and draw what they see", run_interpret);
    command.shares = true;
    return command;
}

}  // namespace spikelens::app

#include "spikelens/pipeline/evaluate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"

#include "commands.h"

namespace spikelens::app {
namespace {

Outcome run_evaluate(EvaluateCommand& command, const Call& call) {
    command.metric.seed = call.globals.seed;
    if (!command.shard.empty())
        return compute_shard(command.run, "evaluate", command.shard, call, [&](const Run& run, const Shard& shard) {
            return evaluate_shard(run, command, shard, call.execution(), call.notes());
        });
    command.again = [named = EvaluateCommand(command), &call](const auto& methods, const auto& metrics) mutable {
        named.methods = methods;
        named.metrics = metrics;
        return words_of("evaluate", named, call.globals.seed);
    };
    const WrittenRun written = open_to_write(command.run, call.globals, call.console);
    const EvaluateResult result = evaluate(written.run, command, call.execution(), call.notes());
    return {document_of(result), text_of(result)};
}

}  // namespace

void declare(OptionTable& table, EvaluateCommand& command) {
    table.add("run", command.run, "The run directory").required();
    table.add(
        "--suite", command.suite,
        "Methods and metrics that go together, where none are named: quick (the usual methods by insertion, deletion and "
        "sparseness), standard (ten methods by the metrics that reviewers ask for) or full (all that there are); how long "
        "it takes is said first");
    table.add_list("--methods,--method", command.methods, "method",
                   "Methods to compare, separated by commas (spikelens methods lists them); by default a usual set");
    table.add_list("--metrics", command.metrics, "metric",
                   "Metrics, separated by commas (spikelens methods lists them); by default insertion and deletion, of pixels "
                   "or spikes");
    table.add("--samples", command.EvaluateOptions::samples, "Test samples, drawn by the seed; 0: all");
    table.add_parsed("--baseline", command.metric.baseline, parse_baseline, baseline_text,
                     "What replaces removed pixels: black, blur or mean");
    table.add("--masks", command.masks,
              "What lies inside, for pointing_game and energy_inside: IDX bytes [test samples, height, width], above 0 inside");
    table.add("--step", command.metric.pixels_per_step, "Pixels changed per step; 0: an image row");
    table.add("--spike-steps", command.metric.spike_steps, "How many steps it takes to change all spikes of a sample");
    table.add("--coding", command.coding, "Show the images in this coding instead of the run's own");
    add_shard(table, command.shard);
}

Command evaluate_command() {
    return command_of<EvaluateCommand>("evaluate", "Measure which explanation can be trusted, by metrics with intervals",
                                       run_evaluate);
}

}  // namespace spikelens::app

#include "spikelens/pipeline/evaluate.h"

#include "commands.h"

namespace spikelens::app {
namespace {

Outcome run_evaluate(Shared<EvaluateOptions>& options, const Call& call) {
    options.metric.seed = call.globals.seed;
    options.again = [named = options, &call](const Strings& methods, const Strings& metrics) mutable {
        named.methods = methods;
        named.metrics = metrics;
        return words_of("evaluate", named, call.globals.seed);
    };
    return run_shared<EvaluateOptions>("evaluate", options, call, evaluate_shard, evaluate);
}

}  // namespace

void declare(OptionTable& table, EvaluateOptions& options) {
    table.add("--suite", options.suite,
              "Methods and metrics that go together, where none are named: quick (the usual methods by insertion, "
              "deletion and sparseness), standard (ten methods by the metrics that reviewers ask for) or full (all "
              "that there are); how long it takes is said first");
    table.add_list("--methods,--method", options.methods, "method; spikelens methods lists them",
                   "Methods to compare, separated by commas (spikelens methods lists them); by default a usual set");
    table.add_list("--metrics", options.metrics, "metric; spikelens methods lists them",
                   "Metrics, separated by commas (spikelens methods lists them); by default insertion and deletion, of "
                   "pixels or spikes");
    table.add("--samples", options.samples, "Test samples, drawn by the seed; 0: all");
    table.add_parsed("--baseline", options.metric.baseline, parse_baseline, baseline_text,
                     "What replaces removed pixels: black, blur or mean");
    table.add_parsed("--insertion-baseline", options.metric.insertion_baseline, parse_baseline, baseline_text,
                     "What pixels are inserted into; the baseline unless said");
    table.add("--masks", options.masks,
              "What lies inside, for pointing_game and energy_inside: IDX bytes [test samples, height, width], above 0 "
              "inside");
    table.add("--step", options.metric.pixels_per_step, "Pixels changed per step; 0: an image row");
    table.add("--spike-steps", options.metric.spike_steps, "How many steps it takes to change all spikes of a sample");
    table.add("--whole-batches", options.whole_batches,
              "Of each class only as many test samples as fill batches of so many; 0: all");
    table.add("--coding", options.coding, "Show the images in this coding instead of the run's own");
}

Command evaluate_command() {
    Command command = command_of<Shared<EvaluateOptions>>(
        "evaluate", "Measure which explanation can be trusted, by metrics with intervals", run_evaluate);
    command.shares = true;
    return command;
}

}  // namespace spikelens::app

#include "spikelens/pipeline/evaluate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "shards.h"
#include "text.h"

namespace spikelens::app {
namespace {

/// The value of a metric with half the width of its interval; a dash where it does not apply.
std::string value_text(const MetricScore* score) {
    if (!score) return "—";
    if (!std::isfinite(score->mean)) return "∞";
    return score->ci95.known() ? fmt::format("{:.4f} ± {:.4f}", score->mean, score->ci95.high - score->mean)
                               : fmt::format("{:.4f}", score->mean);
}

/// What is left when all pixels are taken away.
std::string ending_text(const std::string& baseline) {
    if (baseline == "blur") return "the blurred image";
    return baseline == "mean" ? "the image's mean" : baseline;
}

std::string protocol_text(const EvaluateResult& result) {
    std::string text = fmt::format("{} test {}", result.samples, result.input);
    if (result.coding) text += ", " + *result.coding + " coding";
    const auto asked = [&](const char* name) { return std::ranges::find(result.metrics, name) != result.metrics.end(); };
    if (asked("insertion") || asked("deletion"))
        text += fmt::format(", {} pixels a step, inserted into and deleted to {}", result.pixels_per_step,
                            ending_text(result.baseline));
    return text + "; mean with half-width of the 95 % interval";
}

std::string arrow(const MetricInfo& metric) {
    if (metric.direction == "none") return "";
    return metric.direction == "higher" ? " ↑" : " ↓";
}

EvaluateOptions options_of(const EvaluateCommand& command, const Globals& globals) {
    EvaluateOptions options = command;
    options.methods = split_list(command.methods);
    options.metrics = split_list(command.metrics);
    if (!command.methods.empty() && options.methods.empty())
        throw InputError("--methods names no method; spikelens methods lists them");
    if (!command.metrics.empty() && options.metrics.empty())
        throw InputError("--metrics names no metric; spikelens methods lists them");
    options.metric.seed = globals.seed;
    options.again = [command = EvaluateCommand(command), globals](const auto& methods, const auto& metrics) mutable {
        command.methods = methods;
        command.metrics = metrics;
        return arguments_of(command, globals);
    };
    return options;
}

}  // namespace

std::string text_of(const EvaluateResult& result) {
    std::vector<TextTable::Column> columns = {{"method"}};
    for (const std::string& metric : result.metrics)
        columns.push_back({metric + arrow(find_metric(metric)->info()), TextTable::Align::right});
    columns.push_back({"ms per sample", TextTable::Align::right});
    TextTable table(columns);
    for (const EvaluatedMethod& method : result.methods) {
        std::vector<std::string> row = {method.method + (method.sanity_baseline ? " (sanity)" : "")};
        for (const std::string& metric : result.metrics) row.push_back(value_text(method.metric(metric)));
        row.push_back(fmt::format("{:.2f}", 1000 * method.seconds_per_explanation));
        table.add(row);
    }
    std::string text = paragraph(protocol_text(result)) + table.text() + evaluation_remarks(result);
    for (const PaperValue& paper : result.paper)
        text += fmt::format("paper: {} {} {:.4f}\n", paper.method, paper.metric, paper.value);
    return text;
}

EvaluateResult call_evaluate(const EvaluateCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_to_write(command.run, globals, console);
    return evaluate(written.run, options_of(command, globals), globals.execution(console), console.notes());
}

void add_evaluate(CLI::App& program, Run& run) {
    auto command = std::make_shared<EvaluateCommand>();
    CLI::App* app =
        program.add_subcommand("evaluate", "Measure which explanation can be trusted: insertion and deletion, with intervals");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option(
        "--suite", command->suite,
        "Methods and metrics that go together, where none are named: quick (the usual methods by insertion, deletion "
        "and sparseness), standard (ten methods by the metrics that reviewers ask for) or full (all that there "
        "are); how long it takes is said first");
    app->add_option("--methods,--method", command->methods,
                    "Methods to compare, separated by commas (spikelens methods lists them); by default a usual set");
    app->add_option(
        "--metrics", command->metrics,
        "Metrics, separated by commas (spikelens methods lists them); by default insertion and deletion, of pixels or "
        "spikes");
    app->add_option("--samples", command->samples, "Test samples, drawn by the seed; 0: all")->capture_default_str();
    app->add_option_function<std::string>(
           "--baseline", [command](const std::string& text) { command->metric.baseline = parse_baseline(text); },
           "What replaces removed pixels: black, blur or mean")
        ->default_str(baseline_text(command->metric.baseline));
    app->add_option("--step", command->metric.pixels_per_step, "Pixels changed per step; 0: an image row")
        ->capture_default_str();
    app->add_option("--spike-steps", command->metric.spike_steps, "How many steps it takes to change all spikes of a sample")
        ->capture_default_str();
    app->add_option("--coding", command->coding, "Show the images in this coding instead of the run's own");
    auto shard = std::make_shared<std::string>();
    add_shard(*app, *shard);
    app->callback([command, shard, &run] {
        run = [command, shard](const Globals& globals, Console& console) -> Outcome {
            if (!shard->empty())
                return compute_shard(command->run, "evaluate", *shard, globals, console,
                                     [&](const OpenRun& of, const Shard& part) {
                                         return evaluate_shard(of, options_of(*command, globals), part,
                                                               globals.execution(console), console.notes());
                                     });
            const EvaluateResult result = call_evaluate(*command, globals, console);
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app

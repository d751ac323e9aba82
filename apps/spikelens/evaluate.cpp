#include "spikelens/pipeline/evaluate.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "arguments.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "shards.h"
#include "text.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

/// The value of a metric with half the width of its interval; a dash where it does not apply.
std::string value_text(const json& method, const std::string& metric) {
    for (const json& values : method["metrics"]) {
        if (values["metric"] != metric) continue;
        if (values["mean"].is_null()) return "∞";
        const double mean = values["mean"];
        return values["ci95"].is_null() ? fmt::format("{:.4f}", mean)
                                        : fmt::format("{:.4f} ± {:.4f}", mean, values["ci95"][1].get<double>() - mean);
    }
    return "—";
}

/// What is left when all pixels are taken away.
std::string ending_text(const std::string& baseline) {
    if (baseline == "blur") return "the blurred image";
    return baseline == "mean" ? "the image's mean" : baseline;
}

std::string protocol_text(const json& document) {
    const bool recordings = document["input"] == "recordings";
    const auto measures = [&](const char* name) {
        return std::ranges::find(document["metrics"], name) != document["metrics"].end();
    };
    std::string text = fmt::format("{} test {}", document["samples"].get<int64_t>(), recordings ? "recordings" : "images");
    if (!document["coding"].is_null()) text += ", " + document["coding"].get<std::string>() + " coding";
    if (measures("insertion") || measures("deletion"))
        text += fmt::format(", {} pixels a step, inserted into and deleted to {}", document["pixels_per_step"].get<int64_t>(),
                            ending_text(document["baseline"]));
    return text + "; mean with half-width of the 95 % interval";
}

std::string arrow(const MetricInfo& metric) {
    if (metric.direction == "none") return "";
    return metric.direction == "higher" ? " ↑" : " ↓";
}

std::string text_of(const json& document) {
    std::vector<TextTable::Column> columns = {{"method"}};
    for (const json& metric : document["metrics"]) {
        const std::string name = metric;
        columns.push_back({name + (arrow(find_metric(name)->info())), TextTable::Align::right});
    }
    columns.push_back({"ms per sample", TextTable::Align::right});
    TextTable table(columns);
    for (const json& method : document["methods"]) {
        std::vector<std::string> row = {method["method"].get<std::string>() +
                                        (method["sanity_baseline"].get<bool>() ? " (sanity)" : "")};
        for (const json& metric : document["metrics"]) row.push_back(value_text(method, metric));
        row.push_back(fmt::format("{:.2f}", 1000 * method["seconds_per_explanation"].get<double>()));
        table.add(row);
    }
    std::string text = paragraph(protocol_text(document)) + table.text() + evaluation_remarks(document);
    for (const json& paper : document["paper"])
        text += fmt::format("paper: {} {} {:.4f}\n", paper["method"].get<std::string>(), paper["metric"].get<std::string>(),
                            paper["value"].get<double>());
    return text;
}

EvaluateOptions options_of(const EvaluateCommand& command, const Globals& globals) {
    EvaluateOptions options;
    options.methods = split_list(command.methods);
    options.metrics = split_list(command.metrics);
    if (!command.methods.empty() && options.methods.empty())
        throw InputError("--methods names no method; spikelens methods lists them");
    if (!command.metrics.empty() && options.metrics.empty())
        throw InputError("--metrics names no metric; spikelens methods lists them");
    options.samples = command.samples;
    options.coding = command.coding;
    options.metric = {parse_baseline(command.baseline), command.step, command.spike_steps, globals.seed};
    options.again = [command = EvaluateCommand(command), globals](const auto& methods, const auto& metrics) mutable {
        command.methods = methods;
        command.metrics = metrics;
        return arguments_of(command, globals);
    };
    return options;
}

}  // namespace

Outcome run_evaluate(const EvaluateCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_to_write(command.run, globals, console);
    const json document =
        evaluate(written.run, options_of(command, globals), globals.execution(console), console.notes()).document();
    return {document, text_of(document)};
}

void add_evaluate(CLI::App& program, Run& run) {
    auto command = std::make_shared<EvaluateCommand>();
    CLI::App* app =
        program.add_subcommand("evaluate", "Measure which explanation can be trusted: insertion and deletion, with intervals");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--methods,--method", command->methods,
                    "Methods to compare, separated by commas (spikelens methods lists them); by default a usual set");
    app->add_option("--metrics", command->metrics,
                    "insertion, deletion (images); spike_insertion, spike_deletion (spikes); sensitivity, randomisation, "
                    "completeness. By default insertion and deletion");
    app->add_option("--samples", command->samples, "Test samples, drawn by the seed; 0: all")->capture_default_str();
    app->add_option("--baseline", command->baseline, "What replaces removed pixels: black, blur or mean")
        ->capture_default_str();
    app->add_option("--step", command->step, "Pixels changed per step; 0: an image row")->capture_default_str();
    app->add_option("--spike-steps", command->spike_steps, "How many steps it takes to change all spikes of a sample")
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
            return run_evaluate(*command, globals, console);
        };
    });
}

}  // namespace spikelens::app

#include "spikelens/pipeline/interpret.h"

#include <fmt/format.h>

#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "choices.h"
#include "commands.h"
#include "remarks.h"
#include "run_directory.h"
#include "shards.h"
#include "text.h"

namespace spikelens::app {
namespace {

std::string filters_text(const std::vector<WeightedFilter>& filters) {
    std::string text;
    for (const WeightedFilter& filter : filters)
        text += fmt::format("{}{}.{} {:.2f}", text.empty() ? "" : ", ", filter.layer, filter.filter, filter.weight);
    return text.empty() ? "none" : text;
}

std::string text_of(const InterpretResult& result) {
    const double mu = result.chosen_mu;
    std::string text =
        paragraph(fmt::format("relevant filters at μ = {:g}, of {} (worst KKT residual {:.1e}, duality gap {:.1e}):", mu,
                              result.filters.size(), result.kkt_residual, result.duality_gap));
    TextTable classes({{""}, {""}});
    for (const ClassPath& of_class : result.per_class)
        for (const PathPoint& point : of_class.path)
            if (point.mu == mu) classes.add({of_class.name, filters_text(point.filters)});
    text += classes.text(2) + interpretation_remarks(result);
    text += paragraph(
        fmt::format("accuracy, a mean over classes, with each class's filters silenced, against as many random filters "
                    "(nothing silenced: {:.3f}, the same mean):",
                    result.ablation.full_accuracy));
    constexpr auto right = TextTable::Align::right;
    TextTable curve({{"μ", right}, {"filters", right}, {"relevant", right}, {"random", right}});
    for (const AblationSummary::Point& point : result.ablation.curve)
        if (const double at = point.mu; at == 1 || at == 2 || at == 5 || at == 10 || at == 20 || at == 50 || at == mu)
            curve.add({fmt::format("{:g}", at), fmt::format("{:.1f}", point.mean_filters),
                       fmt::format("{:.3f}", point.relevant_accuracy), fmt::format("{:.3f}", point.random_accuracy)});
    return text + curve.text(2);
}

InterpretOptions options_of(const InterpretCommand& command, const Globals& globals) {
    InterpretOptions options = command;
    options.seed = globals.seed;
    options.again = arguments_of(command, globals);
    return options;
}

}  // namespace

InterpretResult call_interpret(const InterpretCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_to_write(command.run, globals, console);
    return interpret_run(written.run, options_of(command, globals), globals.execution(console), console.notes());
}

void add_interpret(CLI::App& program, Run& run) {
    auto command = std::make_shared<InterpretCommand>();
    CLI::App* app = program.add_subcommand(
        "interpret", "Find the filters that drive each class (SVEBI), ablate them, and draw what they see");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--mu", command->mu, "The budget whose filters are shown and used for heatmaps")->capture_default_str();
    app->add_option("--mu-max", command->mu_max, "Largest budget: 1, 2, … up to it are swept")->capture_default_str();
    add_choice(*app, "--response", command->response, kResponses,
               "How a filter's response is measured: energy (reference code) or l2")
        ->default_str(word_of(command->response, kResponses));
    app->add_flag("--signed", command->is_signed, "Allow negative weights");
    app->add_option("--draws", command->draws, "Random filter sets per class and size")->capture_default_str();
    app->add_option("--train-samples", command->samples, "How many training samples to use, from the first on; 0: all")
        ->capture_default_str();
    app->add_option("--probe-samples", command->probe_samples,
                    "How many training images to fit the method probe on (20000 is plenty); 0: do not fit it")
        ->capture_default_str();
    auto shard = std::make_shared<std::string>();
    CLI::Option* sharded = add_shard(*app, *shard);  // what comes after the responses is of no shard
    for (const char* later : {"--mu", "--mu-max", "--signed", "--draws", "--probe-samples"}) sharded->excludes(later);
    app->callback([command, shard, &run] {
        run = [command, shard](const Globals& globals, Console& console) -> Outcome {
            if (!shard->empty())
                return compute_shard(command->run, "interpret", *shard, globals, console,
                                     [&](const OpenRun& of, const Shard& part) {
                                         return interpret_shard(of, options_of(*command, globals), part,
                                                                globals.execution(console), console.notes());
                                     });
            const InterpretResult result = call_interpret(*command, globals, console);
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app

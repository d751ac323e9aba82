#include "codings.h"

#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/pipeline/fields.h"

#include "arguments.h"
#include "remarks.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

std::string estimate_text(double mean, const Interval& interval) {
    if (std::isnan(mean)) return "—";
    if (!interval.known()) return fmt::format("{:.3f}", mean);
    return fmt::format("{:.3f} ± {:.3f}", mean, interval.high - mean);
}

std::string metric_text(const EvaluatedMethod& method, const std::string& metric) {
    const MetricScore* const score = method.metric(metric);
    return score ? estimate_text(score->mean, score->ci95) : "—";
}

}  // namespace

std::string text_of(const CodingsResult& result) {
    constexpr auto right = TextTable::Align::right;
    std::vector<TextTable::Column> columns = {{"coding"}, {"accuracy", right}};
    for (const std::string& method : result.methods) columns.push_back({method + " ins ↑ / del ↓", right});
    TextTable scores(columns);
    std::string remarks;
    for (const CodedRun& one : result.codings) {
        std::vector<std::string> row = {one.coding, estimate_text(one.test.accuracy, one.test.ci95)};
        for (const EvaluatedMethod& method : one.evaluate.methods)
            row.push_back(metric_text(method, "insertion") + " / " + metric_text(method, "deletion"));
        scores.add(row);
        if (const std::string of_one = accuracy_remarks(one.test, "test"); !of_one.empty())
            remarks += one.coding + ": " + of_one;
    }
    TextTable overlaps({{"method"}, {"coding"}, {"and"}, {"overlap", right}});
    for (const CodingOverlap& pair : result.overlaps)
        overlaps.add({pair.method, pair.a, pair.b, estimate_text(pair.overlap, pair.ci95)});
    return scores.text() + remarks + "\n" +
           paragraph(fmt::format("overlap (intersection over union) of the best {:.0f} % of the pixels between codings",
                                 100 * result.share)) +
           overlaps.text();
}

CodingsResult call_codings(CodingsOptions options, const Globals& globals, Console& console) {
    options.codings = split_list(options.codings);
    options.methods = split_list(options.methods);
    options.seed = globals.seed;
    options.train_again = [&](const TrainRunOptions& training) { return arguments_of(training); };
    options.evaluate_again = [&](const std::filesystem::path& run, const EvaluateOptions& evaluation) {
        return arguments_of(EvaluateCommand{evaluation, run}, globals);
    };
    options.arguments = globals.arguments;
    options.lock = [&](const std::filesystem::path& root) { return lock_run(root, globals, console); };
    be_patient(kTrainingPatience);
    CodingsResult result = compare_codings(options, globals.execution(console), console.notes());
    be_patient(kUsualPatience);
    for (const std::string& warning : result.warnings) console.message_at_end("warning: " + warning);
    return result;
}

void add_codings(CLI::App& program, Run& run) {
    auto options = std::make_shared<CodingsOptions>();
    CLI::App* app = program.add_subcommand("codings", "Study how the spike coding of images changes which inputs matter");
    app->add_option("--out", options->out, "Folder of the runs, one per coding")->required();
    app->add_option("--data", options->data, "fashion-mnist, mnist, or a folder of IDX files")->capture_default_str();
    app->add_option("--network", options->network, "A preset or a network text")->capture_default_str();
    app->add_option("--codings", options->codings, "Two or more of direct, rate, latency, latency(log), delta(step=0.1)")
        ->capture_default_str();
    app->add_option("--methods,--method", options->methods, "Methods that explain images and spikes")->capture_default_str();
    app->add_flag("--shared", options->shared, "One classifier, trained with the first coding, for all");
    app->add_option("--steps", options->steps, "Time steps T")->capture_default_str();
    app->add_option("--epochs", options->epochs, "Passes over the training set")->capture_default_str();
    app->add_option("--train-samples", options->train_samples, "How many training samples to use, from the first on; 0: all")
        ->capture_default_str();
    app->add_option("--samples", options->samples, "Test images explained, drawn by the seed; 0: all")->capture_default_str();
    app->add_option("--share", options->share, "Share of the pixels, the highest ranked, whose overlap is measured")
        ->capture_default_str();
    app->callback([options, &run] {
        run = [options](const Globals& globals, Console& console) -> Outcome {
            const CodingsResult result = call_codings(*options, globals, console);
            return {document_of(result), text_of(result)};
        };
    });
}

}  // namespace spikelens::app

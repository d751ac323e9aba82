#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/results/documents.h"
#include "spikelens/results/store.h"

#include "commands.h"
#include "evaluation.h"
#include "remarks.h"
#include "text.h"

namespace spikelens::app {
namespace {

using nlohmann::json;

std::string file_name(std::string method) {
    std::ranges::replace_if(
        method, [](char c) { return c == ':' || c == '=' || c == '/'; }, '-');
    return method + ".h5";
}

json method_document(const MethodSpec& method, const MethodScores& scores, const Evaluation& evaluation) {
    json metrics = json::array();
    for (const std::string& metric : evaluation.metrics())
        if (const auto found = scores.metrics.find(metric); found != scores.metrics.end())
            metrics.push_back(metric_document(find_metric(metric), found->second));
    const MethodInfo& info = method.method->info();
    const int64_t explained = scores.done - scores.undecided;
    const auto maps = [&](MapState state) {
        const auto found = scores.maps.find(state);
        return found == scores.maps.end() ? 0 : found->second;
    };
    json document = {{"method", method.text},
                     {"title", info.title},
                     {"sanity_baseline", info.baseline},
                     {"seconds_per_explanation", scores.seconds / static_cast<double>(std::max<int64_t>(1, explained))},
                     {"zero_maps", maps(MapState::zero)},
                     {"noise_maps", maps(MapState::noise)},
                     {"constant_maps", maps(MapState::constant)},
                     {"metrics", metrics}};
    if (const auto baseline = evaluation.own_baseline(method)) document["completeness_baseline"] = *baseline;
    return document;
}

json differences_document(const std::vector<MethodSpec>& methods, const std::vector<MethodScores>& scores,
                          const std::vector<std::string>& order) {
    json list = json::array();
    for (const std::string& metric : order)
        for (size_t a = 0; a < methods.size(); ++a)
            for (size_t b = a + 1; b < methods.size(); ++b) {
                const auto of_a = scores[a].metrics.find(metric), of_b = scores[b].metrics.find(metric);
                if (of_a == scores[a].metrics.end() || of_b == scores[b].metrics.end()) continue;
                list.push_back(difference_document(find_metric(metric), methods[a].text, of_a->second.auc, methods[b].text,
                                                   of_b->second.auc));
            }
    return list;
}

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

std::string protocol_text(const json& document) {
    const bool recordings = document["input"] == "recordings";
    std::string text = fmt::format("{} test {}", document["samples"].get<int64_t>(), recordings ? "recordings" : "images");
    if (!document["coding"].is_null()) text += ", " + document["coding"].get<std::string>() + " coding";
    if (!recordings)
        text += fmt::format(", {} baseline, {} pixels a step", document["baseline"].get<std::string>(),
                            document["pixels_per_step"].get<int64_t>());
    return text + "; mean with half-width of the 95 % interval";
}

std::string text_of(const json& document) {
    std::vector<TextTable::Column> columns = {{"method"}};
    for (const json& metric : document["metrics"]) {
        const std::string name = metric;
        columns.push_back({name + (find_metric(name).direction == "higher" ? " ↑" : " ↓"), TextTable::Align::right});
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

void check_command(const EvaluateCommand& command, int64_t pixels) {
    if (command.samples < 0) throw InputError(fmt::format("--samples must be 0 (all) or more, not {}", command.samples));
    if (command.step < 0 || command.step > pixels)
        throw InputError(fmt::format("--step must be 0 (an image row) to {} pixels, not {}", pixels, command.step));
    if (command.spike_steps < 1 || command.spike_steps > 10000)
        throw InputError(fmt::format("--spike-steps must be 1 to 10000, not {}", command.spike_steps));
}

}  // namespace

Outcome run_evaluate(const EvaluateCommand& command, const Globals& globals, Console& console) {
    const OpenRun run = open_run(command.run);
    const int64_t pixels = int64_t{run.network->height} * run.network->width,
                  step = command.step > 0 ? command.step : run.network->width;
    check_command(command, pixels);
    const RunData data = run.load_data(command.coding);
    const bool spiking = data.test->steps() > 0;
    const std::vector<std::string> methods = split_list(command.methods);
    const Explainer explainer(run, methods.empty() ? usual_methods(spiking) : methods, spiking, globals);
    const std::vector<int64_t> samples = draw_samples(data.test->size(), command.samples, globals.seed);
    const Evaluation evaluation(explainer, data, samples, command, globals);

    std::vector<MethodScores> scores;
    json documents = json::array();
    for (const MethodSpec& method : explainer.methods()) {
        json identity = {{"fingerprint", run.fingerprint},
                         {"samples", samples.size()},
                         {"seed", globals.seed},
                         {"baseline", command.baseline},
                         {"step", step},
                         {"spike_steps", command.spike_steps},
                         {"binning", run.binning()},
                         {"coding", coding_text(data.coding)},
                         {"method", method.text},
                         {"metrics", evaluation.metrics()}};
        if (method.method->info().needs_relevant) identity["interpret"] = read_json(run.files.interpret_options());
        scores.push_back(evaluation.run(method, identity.dump(), run.files.evaluation(file_name(method.text)), console));
        documents.push_back(method_document(method, scores.back(), evaluation));
    }
    const json document = {{"command", "evaluate"},
                           {"run", command.run.string()},
                           {"data", data.name},
                           {"fingerprint", run.fingerprint},
                           {"input", spiking && !data.coded() ? "recordings" : "images"},
                           {"coding", data.coded() ? json(coding_text(data.coding)) : json(nullptr)},
                           {"samples", samples.size()},
                           {"undecided", scores.front().undecided},
                           {"seed", globals.seed},
                           {"baseline", command.baseline},
                           {"pixels_per_step", step},
                           {"steps", (pixels + step - 1) / step},
                           {"spike_steps", command.spike_steps},
                           {"metrics", evaluation.metrics()},
                           {"methods", documents},
                           {"differences", differences_document(explainer.methods(), scores, evaluation.metrics())},
                           {"paper", data.coded() ? json::array() : paper_document(data.name, network_text(*run.network))}};
    write_json(run.files.result("evaluate"), document);
    return {document, text_of(document)};
}

void add_evaluate(CLI::App& program, Run& run) {
    auto command = std::make_shared<EvaluateCommand>();
    CLI::App* app =
        program.add_subcommand("evaluate", "Measure which explanation can be trusted: insertion and deletion, with intervals");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--methods,--method", command->methods,
                    "Methods to compare, separated by commas (spikelens methods lists them); a usual set unless said");
    app->add_option("--metrics", command->metrics,
                    "insertion, deletion (images); spike_insertion, spike_deletion (spikes); sensitivity, randomisation, "
                    "completeness. Insertion and deletion unless said");
    app->add_option("--samples", command->samples, "Test samples, drawn by the seed; 0: all")->capture_default_str();
    app->add_option("--baseline", command->baseline, "What pixels are taken away to: black, blur or mean")
        ->capture_default_str();
    app->add_option("--step", command->step, "Pixels changed per step; 0: an image row")->capture_default_str();
    app->add_option("--spike-steps", command->spike_steps, "Steps in which a sample's spikes are changed")
        ->capture_default_str();
    app->add_option("--coding", command->coding, "Show the images in another coding than the run's own");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_evaluate(*command, globals, console); };
    });
}

}  // namespace spikelens::app

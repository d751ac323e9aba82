#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/documents.h"
#include "spikelens/pipeline/store.h"

#include "arguments.h"
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

/// One method of evaluate.json, with its scores.
struct Evaluated {
    MethodSpec method;
    json inputs;  // method_inputs
    MethodScores scores;
};

json method_document(const Evaluated& of, const std::vector<std::string>& order, const Evaluation& evaluation) {
    json metrics = json::array();
    for (const std::string& metric : order)
        if (const auto found = of.scores.metrics.find(metric); found != of.scores.metrics.end())
            metrics.push_back(metric_document(find_metric(metric), found->second));
    const MethodInfo& info = of.method.method->info();
    const int64_t explained = of.scores.done - of.scores.undecided;
    const auto maps = [&](MapState state) {
        const auto found = of.scores.maps.find(state);
        return found == of.scores.maps.end() ? 0 : found->second;
    };
    json document = {{"method", of.method.text},
                     {"title", info.title},
                     {"sanity_baseline", info.baseline},
                     {"seconds_per_explanation", of.scores.seconds / static_cast<double>(std::max<int64_t>(1, explained))},
                     {"zero_maps", maps(MapState::zero)},
                     {"noise_maps", maps(MapState::noise)},
                     {"constant_maps", maps(MapState::constant)},
                     {"metrics", metrics}};
    if (const auto baseline = evaluation.own_baseline(of.method)) document["completeness_baseline"] = *baseline;
    for (const char* input : {"relevant", "probe", "surrogate"})
        if (of.inputs.contains(input)) document[input] = of.inputs[input];
    return document;
}

json methods_document(const std::vector<Evaluated>& all, const std::vector<std::string>& order, const Evaluation& evaluation) {
    json list = json::array();
    for (const Evaluated& of : all) list.push_back(method_document(of, order, evaluation));
    return list;
}

json differences_document(const std::vector<Evaluated>& all, const std::vector<std::string>& order) {
    json list = json::array();
    for (const std::string& metric : order)
        for (size_t a = 0; a < all.size(); ++a)
            for (size_t b = a + 1; b < all.size(); ++b) {
                const auto of_a = all[a].scores.metrics.find(metric), of_b = all[b].scores.metrics.find(metric);
                if (of_a == all[a].scores.metrics.end() || of_b == all[b].scores.metrics.end()) continue;
                list.push_back(difference_document(find_metric(metric), all[a].method.text, of_a->second.auc,
                                                   all[b].method.text, of_b->second.auc));
            }
    return list;
}

/// What a method and its metrics share with all others in one evaluate.json.
Identity protocol_of(const OpenRun& run, const EvaluateCommand& command, const std::vector<int64_t>& samples, int64_t step,
                     uint64_t seed) {
    return run.identity_of("evaluate", 1, command.coding)
        .with({{"coding_of_run", run.coding_or_direct()},
               {"samples", samples.size()},
               {"test_indices", digest_of(samples)},
               {"seed", seed},
               {"baseline", command.baseline},
               {"step", step},
               {"spike_steps", command.spike_steps}});
}

/// What evaluate.json holds of the same protocol: methods and metrics that stay. Says in a line what goes otherwise.
struct Kept {
    std::vector<std::string> methods, metrics;
};

Kept kept_of(const OpenRun& run, const Identity& protocol, Console& console) {
    const json before = run.document("evaluate");
    if (before.is_null()) return {};
    Kept kept{{}, before["metrics"]};
    for (const json& method : before["methods"]) kept.methods.push_back(method["method"]);
    const std::string difference = protocol.difference(before.value("identity", json()));
    if (difference.empty()) {
        naming(run.files.result("evaluate"), [&] {
            for (const std::string& metric : kept.metrics) find_metric(metric);
            for (const std::string& method : kept.methods) parse_method(method);
        });
        return kept;
    }
    console.message(fmt::format("{} was made with {}: what it holds of {} is replaced", run.files.result("evaluate").string(),
                                difference, fmt::join(kept.methods, ", ")));
    return {};
}

void append_new(std::vector<std::string>& list, const std::vector<std::string>& more) {
    for (const std::string& word : more)
        if (std::ranges::find(list, word) == list.end()) list.push_back(word);
}

/// The metrics through with all samples; the others are left out of the scores.
std::vector<std::string> keep_complete(MethodScores& scores, const std::vector<std::string>& order, int64_t samples) {
    std::vector<std::string> complete;
    for (const std::string& metric : order)
        if (scores.complete({metric}, samples))
            complete.push_back(metric);
        else
            scores.metrics.erase(metric);
    return complete;
}

/// Measures what is asked for, and takes the scores of what is kept from their files; says in a line what cannot be kept.
std::vector<Evaluated> evaluate_all(const OpenRun& run, const Explainer& explainer, const Evaluation& evaluation,
                                    const Identity& protocol, const Kept& held, int64_t samples, Console& console) {
    std::vector<Evaluated> all;
    for (const std::string& text : held.methods) {
        Evaluated of{parse_method(text), {}, {}};
        of.inputs = method_inputs(run, of.method);
        const Identity identity = protocol.with(of.inputs);
        const auto path = run.files.evaluation(file_name(text));
        const auto asked = std::ranges::find(explainer.methods(), text, &MethodSpec::text);
        const bool is_asked = asked != explainer.methods().end();
        of.scores = is_asked ? evaluation.run(*asked, identity, path, console) : load_scores(identity, path);
        if (!keep_complete(of.scores, held.metrics, samples).empty()) {
            all.push_back(std::move(of));
            continue;
        }
        const std::string root = run.files.root.string();
        console.message(
            fmt::format("{} goes: its scores are gone, or of other relevant filters or probes; spikelens evaluate {} "
                        "--methods {} makes them anew",
                        text, root, text));
    }
    return all;
}

/// The command lines that make what the document holds: one for each set of metrics that methods have.
std::vector<StageRecord> records_of(const std::vector<Evaluated>& all, const std::vector<std::string>& order,
                                    EvaluateCommand command, int64_t samples, const Globals& globals) {
    std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> groups;  // metrics, methods
    for (const Evaluated& of : all) {
        MethodScores scores = of.scores;
        const std::vector<std::string> metrics = keep_complete(scores, order, samples);
        auto found = std::ranges::find(groups, metrics, [](const auto& group) { return group.first; });
        if (found == groups.end()) found = groups.insert(groups.end(), {metrics, {}});
        found->second.push_back(of.method.text);
    }
    std::vector<StageRecord> records;
    for (const auto& [metrics, methods] : groups) {
        command.metrics = metrics;
        command.methods = methods;
        records.push_back({arguments_of(command, globals), globals.seed});
    }
    return records;
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
    const WrittenRun written = open_to_write(command.run, globals, console);
    const OpenRun& run = written.run;
    const int64_t pixels = int64_t{run.network->height} * run.network->width,
                  step = command.step > 0 ? command.step : run.network->width;
    check_command(command, pixels);
    const RunData data = run.load_data(globals.execution(console), command.coding);
    const bool spiking = data.test->steps() > 0;
    const std::vector<std::string> methods = split_list(command.methods);
    const Explainer explainer(run, methods.empty() ? usual_methods(spiking) : methods, spiking, globals.execution(console),
                              globals.seed);
    const std::vector<int64_t> samples = draw_samples(data.test->size(), command.samples, globals.seed);
    const Evaluation evaluation(explainer, data, samples, command, globals);
    check_memory(explainer.engine(), *data.test);

    const Identity protocol = protocol_of(run, command, samples, step, globals.seed);
    Kept held = kept_of(run, protocol, console);
    append_new(held.metrics, evaluation.metrics());
    for (const MethodSpec& method : explainer.methods()) append_new(held.methods, {method.text});
    const auto count = static_cast<int64_t>(samples.size());
    const std::vector<Evaluated> all = evaluate_all(run, explainer, evaluation, protocol, held, count, console);
    const json document = {{"command", "evaluate"},
                           {"run", command.run.string()},
                           {"data", data.name},
                           {"fingerprint", run.fingerprint},
                           {"identity", protocol.inputs()},
                           {"input", spiking && !data.coded() ? "recordings" : "images"},
                           {"coding", data.coded() ? json(coding_text(data.coding)) : json(nullptr)},
                           {"samples", samples.size()},
                           {"undecided", all.front().scores.undecided},
                           {"seed", globals.seed},
                           {"baseline", command.baseline},
                           {"pixels_per_step", step},
                           {"steps", (pixels + step - 1) / step},
                           {"spike_steps", command.spike_steps},
                           {"metrics", held.metrics},
                           {"methods", methods_document(all, held.metrics, evaluation)},
                           {"differences", differences_document(all, held.metrics)},
                           {"paper", data.coded() ? json::array() : paper_document(data.name, network_text(*run.network))}};
    write_json(run.files.result("evaluate"), document);
    record_calls(run.files, "evaluate", records_of(all, held.metrics, command, count, globals));
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

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/printable.h"
#include "spikelens/draw/colour.h"
#include "spikelens/pipeline/content.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/decision.h"

#include "arguments.h"
#include "commands.h"
#include "explain_document.h"
#include "explain_files.h"
#include "interrupt.h"
#include "shown.h"
#include "text.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct ExplainCommand {
    fs::path run;
    std::vector<std::string> files;
    std::vector<int64_t> test;
    std::vector<std::string> methods;
    std::string target;
    std::string background;  // empty: black
    std::string overlay = "faded";
    int64_t windows = 6;
    fs::path out;
};

/// A sample with what the network says of it, and the files its explanations go to.
struct Case {
    Sample sample;
    std::vector<float> scores;
    int predicted = 0, target = 0;
    std::vector<MapFiles> files;  // one per method
};

int parse_target(const std::string& text, const Network& network) {
    for (size_t c = 0; c < network.classes.size(); ++c)
        if (network.classes[c] == text) return static_cast<int>(c);
    if (!text.empty() && text.size() < 7 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; }))
        if (const int index = std::stoi(text); index < network.class_count()) return index;
    throw InputError(fmt::format("--target '{}' is neither a class index below {} nor a class name{}", text,
                                 network.class_count(), suggestion(text, network.classes)));
}

std::string class_name(const Network& network, int index) {
    return index < static_cast<int>(network.classes.size()) ? network.classes[index] : std::to_string(index);
}

OverlayStyle parse_overlay(const std::string& text) {
    if (text == "faded") return OverlayStyle::faded;
    if (text == "jet") return OverlayStyle::jet;
    throw InputError(fmt::format("--overlay '{}' is neither faded nor jet{}", text, suggestion(text, {"faded", "jet"})));
}

/// Reads, predicts and names everything, and asks whether all files may be written: what can be wrong is said before the work.
std::vector<Case> gather_cases(const ExplainCommand& command, const OpenRun& run, const Explainer& explainer,
                               const fs::path& folder, Console& console) {
    std::vector<Case> cases;
    if (!command.background.empty() && (command.files.empty() || !run.binning().empty()))
        throw InputError("--background is for picture files, and none is named");
    if (!command.background.empty() && run.has_pictures())
        throw InputError("--background is chosen when the run is made: its data are pictures, and files are read as they are");
    const Background background = command.background.empty() ? Background{} : parse_background(command.background);
    for (Sample& sample :
         gather_samples(command.files, command.test, background, run, console, explainer.engine().execution())) {
        Case one;
        one.scores = explainer.engine().run(sample.input).scores.data;
        one.predicted = predictions(FloatArray({1, static_cast<int64_t>(one.scores.size())}, one.scores))[0];
        one.target = command.target.empty() ? one.predicted : parse_target(command.target, *run.network);
        const std::string stem = sample.name + (one.target == one.predicted ? "" : fmt::format("-class{}", one.target));
        for (const MethodSpec& method : explainer.methods())
            one.files.push_back(map_files(stem, method, sample.input.spiking()));
        check_outputs(folder, sample, one.files, command.files);
        one.sample = std::move(sample);
        cases.push_back(std::move(one));
    }
    check_output(folder / "explain.json", OutputKind::explanations);
    return cases;
}

/// What a map depends on besides the model and the data.
json made_with(const OpenRun& run, const MethodSpec& method, const Globals& globals) {
    json options = method_inputs(run, method);
    options["seed"] = globals.seed;
    return options;
}

json explain_one(const Case& one, const Explainer& explainer, const OpenRun& run, const ExplainCommand& command,
                 const Globals& globals, const fs::path& folder) {
    const Sample& sample = one.sample;
    json maps = json::array();
    for (size_t m = 0; m < one.files.size(); ++m) {
        const MethodSpec& method = explainer.methods()[m];
        const FloatArray attribution =
            explainer.attributions(method, sample.input, std::vector<int>{one.target}, {&sample.address, 1});
        maps.push_back(write_map(folder, one.files[m], {method, attribution, one.scores}, sample, command.windows,
                                 parse_overlay(command.overlay)));
        maps.back().update(made_with(run, method, globals));
    }
    write_sample(folder, sample);
    json document = {{"image", sample.source},
                     {"sample", sample.label < 0 ? json(address_text(sample.address)) : json(sample.address)},
                     {"file", sample.name + ".png"},
                     {"changes", sample.changes},
                     {"predicted", one.predicted},
                     {"predicted_name", class_name(*run.network, one.predicted)},
                     {"undecided", undecided(one.scores)},
                     {"target", one.target},
                     {"target_name", class_name(*run.network, one.target)},
                     {"scores", one.scores},
                     {"probabilities", softmax(one.scores)},
                     {"maps", maps}};
    document["label"] = sample.label < 0 ? json(nullptr) : json(sample.label);
    return document;
}

std::string reading_of(const Case& one, const Network& network) {
    if (!std::ranges::all_of(one.scores, [](float score) { return std::isfinite(score); }))
        return "class scores are not finite";
    if (!undecided(one.scores))
        return fmt::format("{} ({:.1f} %)", class_name(network, one.predicted), 100 * softmax(one.scores)[one.predicted]);
    const bool silent = network.layers.back().neuron && one.scores[0] == 0;
    return silent ? "no output spike: undecided" : "all class scores are equal: undecided";
}

std::string lines_of(const Case& one, const json& entry, const Network& network) {
    const int label = one.sample.label;
    const bool right = label == one.predicted && !undecided(one.scores);
    std::string text = paragraph(printable(fmt::format("{}: {}{}", one.sample.source, reading_of(one, network),
                                                       label < 0 || right ? "" : ", in truth " + class_name(network, label))));
    for (const json& map : entry["maps"])
        if (map.contains("remark"))
            text += paragraph(fmt::format("{}: {}", map["method"].get<std::string>(), map["remark"].get<std::string>()), 2);
    return text;
}

/// What makes these explanations again.
StageRecord record_of(const ExplainCommand& command, const std::vector<MethodSpec>& methods, const Globals& globals) {
    const ExplainCommand usual;
    ArgumentList words("explain");
    words.word(command.run.string());
    for (const std::string& file : command.files) words.word(file);
    if (!command.test.empty()) words.word("--test");
    for (const int64_t index : command.test) words.word(std::to_string(index));
    std::vector<std::string> texts;
    for (const MethodSpec& method : methods) texts.push_back(method.text);
    words.list("--methods", texts)
        .option("--target", command.target, usual.target)
        .option("--background", command.background, usual.background)
        .option("--overlay", command.overlay, usual.overlay)
        .option("--windows", command.windows, usual.windows)
        .option("--out", command.out.string(), usual.out.string());
    return {words.with(globals), globals.seed};
}

Outcome run_explain(const ExplainCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_for_output(command.run, command.out, globals, console);
    const OpenRun& run = written.run;
    if (!command.out.empty()) check_explanations_folder(command.out, command.run);
    if (command.windows < 1) throw InputError(fmt::format("--windows must be 1 or more, not {}", command.windows));
    parse_overlay(command.overlay);
    const bool spiking = !run.binning().empty() || run.manifest.at("data").contains("coding");
    const std::vector<std::string> methods = split_list(command.methods);
    const Explainer explainer(run, command.methods.empty() ? shown_methods(run, spiking, console) : methods, spiking,
                              globals.seed, globals.execution(console));
    if (!command.target.empty()) parse_target(command.target, *run.network);
    const fs::path folder = command.out.empty() ? run.files.explanations() : command.out;
    const std::vector<Case> cases = gather_cases(command, run, explainer, folder, console);
    json document = {{"command", "explain"},
                     {"run", command.run.string()},
                     {"fingerprint", run.fingerprint},
                     {"identity", run.identity_of("explain", 1).inputs()},
                     {"relevant", digest_in(run.files.relevant())},
                     {"probe", digest_in(run.files.probe())},
                     {"surrogate", run.surrogate()},
                     {"folder", folder.string()},
                     {"images", json::array()}};
    std::string text, left_out;
    merged_explanations(document, folder / "explain.json", left_out);  // a damaged one is refused before the work
    const Progress progress = console.progress();
    const auto count = static_cast<int64_t>(cases.size());
    const auto keep = [&] {
        json merged = merged_explanations(document, folder / "explain.json", left_out);
        write_json(folder / "explain.json", merged);
        return merged;
    };
    try {
        for (const Case& one : cases) {
            report_progress(progress, "explaining", static_cast<int64_t>(document["images"].size()), count);
            document["images"].push_back(explain_one(one, explainer, run, command, globals, folder));
            text += lines_of(one, document["images"].back(), *run.network);
            note_kept(fmt::format("the maps of {} of {} are in {}; the same command makes all of them",
                                  document["images"].size(), counted(count, "sample"), folder.string()));
        }
    } catch (const Cancelled&) {
        if (!document["images"].empty()) keep();
        throw;
    }
    report_progress(progress, "explaining", count, count);
    const json merged = keep();
    if (!left_out.empty()) console.message(fmt::format("{}: {}", (folder / "explain.json").string(), left_out));
    if (command.out.empty())  // what this call makes alone needs no other calls
        record_call(run.files, "explain", record_of(command, explainer.methods(), globals),
                    merged["images"] != document["images"]);
    return {document, text + fmt::format("{} with overlays and raw values in {}\n",
                                         counted(static_cast<int64_t>(cases.size() * explainer.methods().size()), "map"),
                                         folder.string())};
}

}  // namespace

void add_explain(CLI::App& program, Run& run) {
    auto command = std::make_shared<ExplainCommand>();
    CLI::App* app = program.add_subcommand("explain", "Explain single predictions: heatmaps as PNG, raw values as NPY");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("files", command->files, "Picture files, or recordings if the run's data set has recordings");
    app->add_option("--test", command->test, "Samples of the test set, by index");
    app->add_option("--method,--methods", command->methods,
                    "Methods, with options: ig2d:steps=64 (spikelens methods lists them); by default a usual set");
    app->add_option("--target", command->target, "The class to explain, by name or index; by default the predicted class");
    app->add_option("--background", command->background,
                    "Colour behind transparent pixels: black (the default), white or #rrggbb");
    app->add_option("--overlay", command->overlay,
                    "How maps lie over samples: faded, clear where a map is zero, or jet, as in the SVEBI paper (maps without "
                    "a sign only)")
        ->capture_default_str();
    app->add_option("--windows", command->windows, "Time windows that the maps of timed methods are split into")
        ->capture_default_str();
    app->add_option("--out", command->out, "Folder for the files; by default RUN/explain");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_explain(*command, globals, console); };
    });
}

}  // namespace spikelens::app

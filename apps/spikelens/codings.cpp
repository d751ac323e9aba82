#include "codings.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/encode/coding.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/evaluate/overlap.h"
#include "spikelens/evaluate/statistics.h"
#include "spikelens/pipeline/documents.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/pipeline/train.h"
#include "spikelens/snn/decision.h"

#include "remarks.h"
#include "run_directory.h"
#include "text.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Letters and digits of "latency(log)", for a folder's name.
std::string folder_of(const std::string& coding) {
    std::string name;
    for (char c : coding) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
    while (name.ends_with('-')) name.pop_back();
    return name;
}

struct OneCoding {
    std::string name;  // of the coding, and of the seed of a control
    fs::path run;
    AccuracySummary accuracy;
    json evaluate;
    std::vector<FloatArray> maps;  // of each method, [N, H, W]
    std::vector<int> predicted;    // of each sample; kUndecided where there is none
    std::vector<int64_t> samples;
    bool is_control = false;
};

fs::path train_one(const CodingsCommand& command, const std::string& coding, const std::string& folder, const Globals& globals,
                   Console& console) {
    TrainCommand training;
    training.data = command.data;
    training.network = command.network;
    training.coding = coding;
    training.steps = command.steps;
    training.epochs = command.epochs;
    training.samples = command.train_samples;
    training.learning_rate = 0.1;
    training.out = command.out / folder;
    console.message("training with " + coding + " coding");
    call_train(training, globals, console);
    return training.out;
}

/// The part of evaluate.json that the study asked for: the run may hold more methods and metrics, in another order.
json of_study(json evaluate, const std::vector<std::string>& methods, const std::vector<std::string>& metrics) {
    json list = json::array();
    for (const std::string& name : methods)
        for (json method : evaluate["methods"]) {
            if (method["method"] != name) continue;
            json values = json::array();
            for (const std::string& metric : metrics)
                for (const json& of_metric : method["metrics"])
                    if (of_metric["metric"] == metric) values.push_back(of_metric);
            method["metrics"] = values;
            list.push_back(method);
        }
    const auto asked = [](const json& name, const std::vector<std::string>& names) {
        return std::ranges::find(names, name.get<std::string>()) != names.end();
    };
    std::erase_if(evaluate["differences"].get_ref<json::array_t&>(), [&](const json& pair) {
        return !asked(pair["metric"], metrics) || !asked(pair["a"], methods) || !asked(pair["b"], methods);
    });
    evaluate["methods"] = list;
    evaluate["metrics"] = metrics;
    return evaluate;
}

/// Everything that can be told before a network is trained.
void check_command(const CodingsCommand& command) {
    if (!(command.share > 0 && command.share <= 1))
        throw InputError(fmt::format("--share must be above 0 and at most 1, not {:g}", command.share));
    if (command.codings.size() < 2) throw InputError("two codings or more are compared; name them with --codings");
    if (command.samples < 0) throw InputError(fmt::format("--samples must be 0 (all) or more, not {}", command.samples));
    if (command.train_samples < 0)
        throw InputError(fmt::format("--train-samples must be 0 (all) or more, not {}", command.train_samples));
    if (command.methods.empty()) throw InputError("no method is named; spikelens methods lists them");
    for (const std::string& method : command.methods) {
        const MethodInfo info = parse_method(method).method->info();
        if (!info.on_images || !info.on_spikes)
            throw InputError("the method '" + method + "' explains " + (info.on_images ? "images" : "spikes") +
                             " alone; codings are compared by methods that explain both");
        if (info.needs_relevant || info.needs_probe)
            throw InputError("the method '" + method +
                             "' needs what spikelens interpret finds, and codings are compared without");
    }
}

/// Accuracy, insertion and deletion, and the maps of the same images under one coding.
OneCoding measure(const CodingsCommand& command, const std::string& coding, const fs::path& root, const Globals& globals,
                  Console& console) {
    OneCoding one;
    one.name = coding;
    one.run = root;
    const OpenRun run = open_run(root);
    const RunData data = run.load_data(globals.execution(console), coding);
    const bool spiking = data.test->steps() > 0;
    const Explainer explainer(run, command.methods, spiking, globals.seed, globals.execution(console));
    one.accuracy = AccuracySummary(measure_accuracy(explainer.engine(), *data.test, "test images, " + coding + " coding"));
    EvaluateCommand evaluation;
    evaluation.run = root;
    evaluation.methods = command.methods;
    evaluation.metrics = {"insertion", "deletion"};
    evaluation.samples = command.samples;
    evaluation.coding = coding;
    one.evaluate = of_study(document_of(call_evaluate(evaluation, globals, console)), command.methods, evaluation.metrics);
    one.samples = draw_samples(data.test->size(), command.samples, globals.seed);
    const Input input = data.test->input(one.samples);
    const FloatArray scores = explainer.engine().run(input).scores;
    const std::vector<int> targets = predictions(scores);
    one.predicted = decisions(scores);
    for (const MethodSpec& method : explainer.methods())
        one.maps.push_back(explainer.maps(method, input, targets, one.samples));
    return one;
}

/// The first coding again, its classifier trained with another seed: what two trainings alone do to the overlap.
OneCoding control_of(const CodingsCommand& command, const Globals& globals, Console& console) {
    const std::string& coding = command.codings.front();
    Globals other = globals;
    ++other.seed;
    const fs::path root = train_one(command, coding, folder_of(coding) + "-control", other, console);
    OneCoding control = measure(command, coding, root, globals, console);
    control.name = control_name(coding);
    control.is_control = true;
    return control;
}

/// How much the best pixels of two codings' maps have in common, over the images that both decide.
Estimate overlap(const OneCoding& a, const OneCoding& b, size_t method, const CodingsCommand& command, const Globals& globals) {
    std::vector<double> values;
    for (size_t i = 0; i < a.samples.size(); ++i) {
        if (a.predicted[i] == kUndecided || b.predicted[i] == kUndecided) continue;
        const auto n = static_cast<int64_t>(i);
        values.push_back(top_overlap(a.maps[method].row(n), b.maps[method].row(n), command.share, globals.seed, a.samples[i]));
    }
    return estimate_mean(values);
}

json overlaps_document(const CodingsCommand& command, const std::vector<OneCoding>& all, const Globals& globals) {
    json list = json::array();
    for (size_t method = 0; method < command.methods.size(); ++method) {
        if (command.methods[method] == "random") continue;  // the same map whatever the coding
        for (size_t a = 0; a < all.size(); ++a)
            for (size_t b = a + 1; b < all.size(); ++b) {
                const Estimate share = overlap(all[a], all[b], method, command, globals);
                list.push_back({{"method", command.methods[method]},
                                {"a", all[a].name},
                                {"b", all[b].name},
                                {"samples", share.samples},
                                {"overlap", share.samples > 0 ? json(share.mean) : json(nullptr)},
                                {"ci95", interval_document(share)}});
            }
    }
    return list;
}

std::string estimate_text(const json& mean, const json& interval) {
    if (mean.is_null()) return "—";
    if (interval.is_null()) return fmt::format("{:.3f}", mean.get<double>());
    return fmt::format("{:.3f} ± {:.3f}", mean.get<double>(), interval[1].get<double>() - mean.get<double>());
}

std::string metric_text(const json& method, const std::string& metric) {
    for (const json& one : method["metrics"])
        if (one["metric"] == metric) return estimate_text(one["mean"], one["ci95"]);
    return "—";
}

std::string text_of(const json& document, const std::vector<OneCoding>& all) {
    constexpr auto right = TextTable::Align::right;
    std::vector<TextTable::Column> columns = {{"coding"}, {"accuracy", right}};
    for (const json& method : document["methods"]) columns.push_back({method.get<std::string>() + " ins ↑ / del ↓", right});
    TextTable scores(columns);
    for (const json& one : document["codings"]) {
        std::vector<std::string> row = {one["coding"], estimate_text(one["test_accuracy"], one["test_accuracy_ci95"])};
        for (const json& method : one["evaluate"]["methods"])
            row.push_back(metric_text(method, "insertion") + " / " + metric_text(method, "deletion"));
        scores.add(row);
    }
    std::string remarks;
    for (const OneCoding& one : all)
        if (const std::string of_one = accuracy_remarks(one.accuracy, "test"); !of_one.empty() && !one.is_control)
            remarks += one.name + ": " + of_one;
    TextTable overlaps({{"method"}, {"coding"}, {"and"}, {"overlap", right}});
    for (const json& pair : document["overlaps"])
        overlaps.add({pair["method"], pair["a"], pair["b"], estimate_text(pair["overlap"], pair["ci95"])});
    return scores.text() + remarks + "\n" +
           paragraph(fmt::format("overlap (intersection over union) of the best {:.0f} % of the pixels between codings",
                                 100 * document["share"].get<double>())) +
           overlaps.text();
}

}  // namespace

std::string control_name(const std::string& coding) { return coding + ", other seed"; }

Outcome run_codings(const CodingsCommand& given, const Globals& globals, Console& console) {
    CodingsCommand command = given;
    command.methods = split_list(given.methods);
    command.codings.clear();
    for (const std::string& coding : given.codings) command.codings.push_back(coding_text(parse_coding(coding)));
    check_command(command);
    check_output(command.out / "codings.json", OutputKind::codings);
    std::shared_ptr<const RunLock> lock;  // of the folder of the runs, once the first is there
    std::vector<OneCoding> all;
    json codings = json::array();
    for (const std::string& coding : command.codings) {
        const std::string& trained = command.shared ? command.codings.front() : coding;
        const fs::path root = train_one(command, trained, folder_of(trained), globals, console);
        if (!lock) lock = lock_run(command.out, globals, console);
        const OneCoding& one = all.emplace_back(measure(command, coding, root, globals, console));
        json document = {{"coding", coding}, {"run", one.run.string()}, {"evaluate", one.evaluate}};
        FieldWriter accuracy;
        AccuracySummary::fields(one.accuracy, accuracy, "test");
        document.update(accuracy.document);
        codings.push_back(document);
    }
    if (!command.shared) all.push_back(control_of(command, globals, console));
    const json document = {{"command", "codings"},
                           {"data", command.data},
                           {"shared_classifier", command.shared},
                           {"samples", all.front().evaluate["samples"]},
                           {"share", command.share},
                           {"methods", command.methods},
                           {"codings", codings},
                           {"overlaps", overlaps_document(command, all, globals)}};
    write_json(command.out / "codings.json", document);
    return {document, text_of(document, all)};
}

void add_codings(CLI::App& program, Run& run) {
    auto command = std::make_shared<CodingsCommand>();
    CLI::App* app = program.add_subcommand("codings", "Study how the spike coding of images changes which inputs matter");
    app->add_option("--out", command->out, "Folder of the runs, one per coding")->required();
    app->add_option("--data", command->data, "fashion-mnist, mnist, or a folder of IDX files")->capture_default_str();
    app->add_option("--network", command->network, "A preset or a network text")->capture_default_str();
    app->add_option("--codings", command->codings, "direct, rate, latency, latency(log), delta(step=0.1)")
        ->capture_default_str();
    app->add_option("--methods,--method", command->methods, "Methods that explain images and spikes")->capture_default_str();
    app->add_flag("--shared", command->shared, "One classifier, trained with the first coding, for all");
    app->add_option("--steps", command->steps, "Time steps T")->capture_default_str();
    app->add_option("--epochs", command->epochs, "Passes over the training set")->capture_default_str();
    app->add_option("--train-samples", command->train_samples, "How many training samples to use, from the first on; 0: all")
        ->capture_default_str();
    app->add_option("--samples", command->samples, "Test images explained, drawn by the seed; 0: all")->capture_default_str();
    app->add_option("--share", command->share, "Share of the pixels, the highest ranked, whose overlap is measured")
        ->capture_default_str();
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_codings(*command, globals, console); };
    });
}

}  // namespace spikelens::app

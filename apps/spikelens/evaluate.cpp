#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/evaluate/perturbation.h"
#include "spikelens/results/array_file.h"
#include "spikelens/results/documents.h"
#include "spikelens/results/store.h"

#include "commands.h"
#include "explainer.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int64_t kChunk = 100;

/// What one method's maps scored so far, sample by sample: kept on disk, so that an interrupted evaluation goes on.
struct MethodScores {
    std::map<std::string, PerturbationResult> metrics;
    double seconds = 0;  // spent on explanations
    int64_t done() const { return metrics.empty() ? 0 : static_cast<int64_t>(metrics.begin()->second.auc.size()); }
};

Perturbation parse_metric(const std::string& text) {
    if (text == "insertion") return Perturbation::insertion;
    if (text == "deletion") return Perturbation::deletion;
    throw InputError("unknown metric '" + text + "'" + suggestion(text, {"insertion", "deletion"}));
}

std::string file_name(std::string method) {
    std::ranges::replace_if(
        method, [](char c) { return c == ':' || c == '=' || c == '/'; }, '-');
    return method + ".h5";
}

void save_scores(const MethodScores& scores, const std::string& identity, const fs::path& path) {
    ArrayFile file;
    file.attributes["identity"] = identity;
    file.arrays["seconds"] = DoubleArray({1}, scores.seconds);
    for (const auto& [metric, result] : scores.metrics) {
        file.arrays[metric + "/auc"] = DoubleArray({static_cast<int64_t>(result.auc.size())}, result.auc);
        file.arrays[metric + "/curves"] = result.curves;
    }
    write_arrays(path, file);
}

/// Scores kept from an interrupted evaluation of the same model, samples and options; otherwise none.
MethodScores load_scores(const std::vector<std::string>& metrics, const std::string& identity, const fs::path& path) {
    MethodScores scores;
    if (!fs::exists(path)) return scores;
    const ArrayFile file = read_arrays(path);
    if (const auto found = file.attributes.find("identity"); found == file.attributes.end() || found->second != identity)
        return scores;
    scores.seconds = file.get<double>("seconds").data.at(0);
    for (const std::string& metric : metrics)
        scores.metrics[metric] = {file.get<double>(metric + "/auc").data, file.get<float>(metric + "/curves")};
    return scores;
}

void append(PerturbationResult& all, const PerturbationResult& more) {
    all.auc.insert(all.auc.end(), more.auc.begin(), more.auc.end());
    if (all.curves.empty()) {
        all.curves = more.curves;
        return;
    }
    all.curves.shape[0] += more.curves.extent(0);
    all.curves.data.insert(all.curves.data.end(), more.curves.data.begin(), more.curves.data.end());
}

/// Explains and perturbs the samples in chunks.
class Evaluation {
  public:
    Evaluation(const Explainer& explainer, const SampleSource& data, std::vector<int64_t> samples,
               const EvaluateCommand& command, uint64_t seed)
        : explainer_(explainer), data_(data), samples_(std::move(samples)), metrics_(split_list(command.metrics)) {
        options_.baseline = parse_baseline(command.baseline);
        options_.pixels_per_step = command.step;
        options_.seed = seed;
        for (const std::string& metric : metrics_) parse_metric(metric);
    }

    MethodScores run(const MethodSpec& method, const std::string& identity, const fs::path& path, Console& console) const {
        MethodScores scores = load_scores(metrics_, identity, path);
        const auto count = static_cast<int64_t>(samples_.size());
        auto saved = Clock::now();
        for (int64_t first = scores.done(); first < count; first += kChunk) {
            report_progress(console.progress(), "evaluating " + method.text, first, count);
            add_chunk(method, std::span(samples_).subspan(first, std::min(kChunk, count - first)), scores);
            const bool last = scores.done() == count;
            if (last || Clock::now() - saved > std::chrono::seconds(2)) {
                save_scores(scores, identity, path);
                saved = Clock::now();
            }
        }
        report_progress(console.progress(), "evaluating " + method.text, count, count);
        return scores;
    }

  private:
    void add_chunk(const MethodSpec& method, std::span<const int64_t> samples, MethodScores& scores) const {
        const FloatArray images = data_.images(samples);
        const std::vector<int> targets = predictions(explainer_.simulator().run(images).scores);
        const auto started = Clock::now();
        const FloatArray maps = explainer_.maps(method, images, targets, samples);
        scores.seconds += std::chrono::duration<double>(Clock::now() - started).count();
        const auto score = [&](const FloatArray& perturbed) { return explainer_.simulator().run(perturbed).scores; };
        for (const std::string& metric : metrics_)
            append(scores.metrics[metric], perturb(parse_metric(metric), images, maps, targets, samples, score, options_));
    }

    const Explainer& explainer_;
    const SampleSource& data_;
    std::vector<int64_t> samples_;
    std::vector<std::string> metrics_;
    PerturbationOptions options_;
};

json method_document(const MethodSpec& method, const MethodScores& scores) {
    json metrics = json::array();
    for (const auto& [metric, result] : scores.metrics) metrics.push_back(metric_document(parse_metric(metric), result));
    std::ranges::reverse(metrics);
    const MethodInfo& info = method.method->info();
    return {{"method", method.text},
            {"title", info.title},
            {"sanity_baseline", info.baseline},
            {"seconds_per_explanation", scores.seconds / static_cast<double>(std::max<int64_t>(1, scores.done()))},
            {"metrics", metrics}};
}

json differences_document(const std::vector<MethodSpec>& methods, const std::vector<MethodScores>& scores) {
    json list = json::array();
    for (const auto& [metric, unused] : scores.front().metrics)
        for (size_t a = 0; a < methods.size(); ++a)
            for (size_t b = a + 1; b < methods.size(); ++b)
                list.push_back(difference_document(parse_metric(metric), methods[a].text, scores[a].metrics.at(metric).auc,
                                                   methods[b].text, scores[b].metrics.at(metric).auc));
    return list;
}

std::string text_of(const json& document) {
    std::string text =
        fmt::format("{} test images, {} baseline, {} pixels a step; mean with half-width of the 95 % interval\n{:24}",
                    document["samples"].get<int64_t>(), document["baseline"].get<std::string>(),
                    document["pixels_per_step"].get<int64_t>(), "method");
    for (const json& metric : document["methods"][0]["metrics"])
        text += fmt::format("{:>18}", metric["metric"].get<std::string>() + (metric["better"] == "higher" ? " ↑" : " ↓"));
    text += fmt::format("{:>14}\n", "ms per image");
    for (const json& method : document["methods"]) {
        text += fmt::format("{:24}",
                            method["method"].get<std::string>() + (method["sanity_baseline"].get<bool>() ? " (sanity)" : ""));
        for (const json& metric : method["metrics"]) {
            const double mean = metric["mean"];
            text += metric["ci95"].is_null()
                        ? fmt::format("{:18.4f}", mean)
                        : fmt::format("{:>18}", fmt::format("{:.4f} ± {:.4f}", mean, metric["ci95"][1].get<double>() - mean));
        }
        text += fmt::format("{:14.2f}\n", 1000 * method["seconds_per_explanation"].get<double>());
    }
    for (const json& paper : document["paper"])
        text += fmt::format("paper: {} {} {:.4f}\n", paper["method"].get<std::string>(), paper["metric"].get<std::string>(),
                            paper["value"].get<double>());
    return text;
}

}  // namespace

Outcome run_evaluate(const EvaluateCommand& command, const Globals& globals, Console& console) {
    const OpenRun run = open_run(command.run);
    const Explainer explainer(run, split_list(command.methods), globals);
    if (command.samples < 0) throw InputError(fmt::format("--samples must be 0 (all) or more, not {}", command.samples));
    const int64_t pixels = int64_t{run.network.height} * run.network.width,
                  step = command.step > 0 ? command.step : run.network.width;
    if (command.step < 0 || command.step > pixels)
        throw InputError(fmt::format("--step must be 0 (an image row) to {} pixels, not {}", pixels, command.step));
    const LoadedDataset data = run.load_data();
    const std::vector<int64_t> samples = draw_samples(data.test->size(), command.samples, globals.seed);
    const Evaluation evaluation(explainer, *data.test, samples, command, globals.seed);

    std::vector<MethodScores> scores;
    json methods = json::array();
    for (const MethodSpec& method : explainer.methods()) {
        json identity = {{"fingerprint", run.fingerprint},
                         {"samples", samples.size()},
                         {"seed", globals.seed},
                         {"baseline", command.baseline},
                         {"step", step},
                         {"method", method.text},
                         {"metrics", split_list(command.metrics)}};
        if (method.method->info().needs_relevant) identity["interpret"] = read_json(run.files.interpret_options());
        scores.push_back(evaluation.run(method, identity.dump(), run.files.evaluation(file_name(method.text)), console));
        methods.push_back(method_document(method, scores.back()));
    }
    const json document = {{"command", "evaluate"},
                           {"run", command.run.string()},
                           {"data", data.name},
                           {"fingerprint", run.fingerprint},
                           {"samples", samples.size()},
                           {"seed", globals.seed},
                           {"baseline", command.baseline},
                           {"pixels_per_step", step},
                           {"steps", (pixels + step - 1) / step},
                           {"methods", methods},
                           {"differences", differences_document(explainer.methods(), scores)},
                           {"paper", paper_document(data.name, network_text(run.network))}};
    write_json(run.files.result("evaluate"), document);
    return {document, text_of(document)};
}

void add_evaluate(CLI::App& program, Run& run) {
    auto command = std::make_shared<EvaluateCommand>();
    CLI::App* app =
        program.add_subcommand("evaluate", "Measure which explanation can be trusted: insertion and deletion, with intervals");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--methods,--method", command->methods,
                    "Methods to compare, separated by commas (spikelens methods lists them)")
        ->capture_default_str();
    app->add_option("--metrics", command->metrics, "insertion, deletion")->capture_default_str();
    app->add_option("--samples", command->samples, "Test images, drawn by the seed; 0: all")->capture_default_str();
    app->add_option("--baseline", command->baseline, "What pixels are taken away to: black, blur or mean")
        ->capture_default_str();
    app->add_option("--step", command->step, "Pixels changed per step; 0: an image row")->capture_default_str();
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_evaluate(*command, globals, console); };
    });
}

}  // namespace spikelens::app

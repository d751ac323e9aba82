#include "spikelens/report/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/attribute/map_state.h"
#include "spikelens/core/random.h"
#include "spikelens/draw/colour.h"
#include "spikelens/draw/space_time.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/decision.h"

#include "arguments.h"
#include "commands.h"
#include "run_directory.h"
#include "usage.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<ReportFilter> filters_of(const OpenRun& run, Console& console) {
    std::vector<ReportFilter> filters;
    if (!has_result(run, run.files.visualisations(), console.notes())) return filters;
    const json identity = stored_identity(run.files.visualisations());
    for (const FilterVisualisation& picture : load_visualisations(identity, run.files.visualisations())) {
        ReportFilter filter;
        filter.name = filter_name(*run.network, picture.filter);
        filter.average = picture.average;
        filter.crops = picture.crops;
        filter.averaged = picture.averaged;
        filter.spread = picture.spread;
        filter.receptive_field = static_cast<int>(receptive_field(*run.network, picture.filter.layer).size);
        filters.push_back(std::move(filter));
    }
    return filters;
}

/// Methods of the evaluation, or the usual ones; without those that need what the run does not have; always with the baselines.
std::vector<std::string> methods_of(const ReportCommand& command, const OpenRun& run, bool spiking, const json& evaluate,
                                    Console& console) {
    std::vector<std::string> methods = split_list(command.methods);
    if (methods.empty() && evaluate.is_object())
        for (const json& method : evaluate.at("methods")) methods.push_back(method.at("method"));
    if (methods.empty()) methods = shown_methods(run, spiking, console.notes());
    for (const char* baseline : {"input", "random"})
        if (std::ranges::find(methods, baseline) == methods.end()) methods.emplace_back(baseline);
    if (command.methods.empty() && !is_current(run, run.files.relevant()))
        std::erase_if(methods, [](const std::string& text) { return parse_method(text).method->info().needs_relevant; });
    return methods;
}

constexpr int64_t kWindows = 8;
constexpr int kMostRecordings = 12, kCloudWidth = 720, kCloudHeight = 480;

/// As many right as wrong predictions as there are, drawn by the seed.
std::vector<int64_t> choose_images(const SampleSource& data, const std::vector<int>& predicted, int count, uint64_t seed) {
    std::vector<int64_t> right, wrong, chosen;
    for (int64_t index : random_permutation(data.size(), seed, Stream::sampling, {1}))
        (data.label(index) == predicted[index] ? right : wrong).push_back(index);
    const size_t wrongs = std::min(wrong.size(), static_cast<size_t>(count) / 2),
                 rights = std::min(right.size(), count - wrongs);
    chosen.assign(right.begin(), right.begin() + static_cast<ptrdiff_t>(rights));
    chosen.insert(chosen.end(), wrong.begin(), wrong.begin() + static_cast<ptrdiff_t>(wrongs));
    std::ranges::sort(chosen);
    return chosen;
}

/// The recordings as point clouds, and their spikes per window.
void add_recordings(const Array<uint8_t>& spikes, std::vector<ReportImage>& result) {
    for (size_t i = 0; i < result.size(); ++i) {
        const ArrayView<uint8_t> one = spikes.sub(static_cast<int64_t>(i));
        result[i].cloud = space_time_picture(one, {}, false, kCloudWidth, kCloudHeight);
        const int64_t windows = std::min<int64_t>(kWindows, one.shape[0]);
        result[i].spikes_per_window.assign(windows, 0);
        for (int64_t w = 0; w < windows; ++w)
            for (int64_t t = w * one.shape[0] / windows; t < (w + 1) * one.shape[0] / windows; ++t)
                for (uint8_t count : one.row(t)) result[i].spikes_per_window[w] += count;
    }
}

/// What a timed method says of each recording: windows, and the point cloud coloured by it.
void add_in_time(const MethodSpec& method, const FloatArray& attribution, const Array<uint8_t>& spikes,
                 std::vector<ReportImage>& result) {
    const bool timed = method.method->info().timed;
    const bool is_signed = method.method->info().signed_values && method.view == View::natural;
    const FloatArray windows =
        timed ? window_maps(attribution, method.view, std::min<int64_t>(kWindows, spikes.shape[1])) : FloatArray();
    const FloatArray scores = timed ? spike_scores(attribution, method.view, spikes.shape) : FloatArray();
    for (size_t i = 0; i < result.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        result[i].windows.push_back(timed ? windows.sub(n).copy() : FloatArray());
        result[i].clouds.push_back(
            timed ? space_time_picture(spikes.sub(n), scores.sub(n), is_signed, kCloudWidth, kCloudHeight) : FloatArray());
    }
}

/// Why a sample's scores name no class; empty when they do.
std::string why_undecided(std::span<const float> scores, bool counts_spikes) {
    if (!undecided(scores)) return {};
    if (scores[0] != 0) return "all class scores are equal";
    return counts_spikes ? "no output spike" : "all class scores are 0";
}

std::vector<ReportImage> explained_images(const Explainer& explainer, const SampleSource& data,
                                          const std::vector<int64_t>& chosen, const ReportData& report, Console& console) {
    const bool recordings = report.input_kind == "recordings";
    const FloatArray images = data.images(chosen);
    const Input input = data.input(chosen);
    const FloatArray scores = explainer.engine().run(input).scores;
    const std::vector<int> predicted = predictions(scores);
    std::vector<ReportImage> result(chosen.size());
    for (size_t i = 0; i < chosen.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        result[i].sample = chosen[i];
        result[i].label = data.label(chosen[i]);
        result[i].predicted = predicted[i];
        result[i].undecided = why_undecided(scores.row(n), report.counts_spikes);
        result[i].probabilities = softmax_probabilities(scores.row(n));
        result[i].image = drawable(images.sub(n).copy());
    }
    if (recordings) add_recordings(input.spikes, result);
    int64_t done = 0;
    for (const MethodSpec& method : explainer.methods()) {
        report_progress(console.progress(), "explaining images for the report", done++,
                        static_cast<int64_t>(explainer.methods().size()), method.text);
        const FloatArray attribution = explainer.attributions(method, input, predicted, chosen);
        const FloatArray maps = pixel_maps(attribution, method.view);
        if (recordings) add_in_time(method, attribution, input.spikes, result);
        for (size_t i = 0; i < chosen.size(); ++i) {
            result[i].maps.push_back(maps.sub(static_cast<int64_t>(i)).copy());
            result[i].rounding.push_back(rounding(method.method->info(), scores.row(static_cast<int64_t>(i))));
        }
    }
    report_progress(console.progress(), "explaining images for the report", done, done);
    return result;
}

}  // namespace

Outcome run_report(const ReportCommand& command, const Globals& globals, Console& console) {
    const WrittenRun written = open_for_output(command.run, command.out, globals, console);
    const OpenRun& run = written.run;
    const fs::path path = command.out.empty() ? run.files.report() : command.out;
    check_output(path, OutputKind::report);
    ReportData data;
    data.run = command.run.string();
    data.command = arguments_of(command, globals);
    data.manifest = run.manifest;
    data.train = result_of(run, "train", console);
    data.interpret = result_of(run, "interpret", console);
    data.evaluate = result_of(run, "evaluate", console);
    data.filters = filters_of(run, console);
    const RunData dataset = run.load_data(globals.execution(console));
    const bool spiking = dataset.test->steps() > 0, recordings = spiking && !dataset.coded();
    const Explainer explainer(run, methods_of(command, run, spiking, data.evaluate, console), spiking, globals.seed,
                              globals.execution(console));
    for (const MethodSpec& method : explainer.methods()) {
        const MethodInfo& info = method.method->info();
        data.methods.push_back(
            {method.text, info.title, info.meaning, info.signed_values && method.view == View::natural, info.baseline});
    }
    const Accuracy accuracy = measure_accuracy(explainer.engine(), *dataset.test, "test samples");
    const int count = recordings ? std::min(command.images, kMostRecordings) : command.images;
    const std::vector<int64_t> chosen = choose_images(*dataset.test, accuracy.predicted, count, globals.seed);
    data.input_kind = recordings ? "recordings" : "images";
    data.counts_spikes = run.network->layers.back().neuron.has_value();
    data.images = explained_images(explainer, *dataset.test, chosen, data, console);
    const auto wrong = std::ranges::count_if(data.images, [](const ReportImage& image) { return !image.is_right(); });
    data.steps = spiking ? dataset.test->steps() : run.network->steps;
    data.window_steps = (data.steps + kWindows - 1) / kWindows;
    data.image_choice = fmt::format("{} right and {} wrong predictions of the test set, drawn at random with seed {}",
                                    data.images.size() - wrong, wrong, globals.seed);

    const std::string html = report_html(data);
    write_file(path, html);
    const json document = {{"command", "report"},     {"run", command.run.string()}, {"fingerprint", run.fingerprint},
                           {"report", path.string()}, {"bytes", html.size()},        {"images", chosen}};
    return {document, path.string() + "\n"};
}

void add_report(CLI::App& program, Run& run) {
    auto command = std::make_shared<ReportCommand>();
    CLI::App* app = program.add_subcommand("report", "Write one self-contained report.html");
    app->add_option("run", command->run, "The run directory")->required();
    app->add_option("--out", command->out, "The file to write; by default RUN/report.html");
    app->add_option("--images", command->images,
                    "Samples in the gallery, half of them wrong predictions; at most 12 recordings")
        ->check(between(0, 500))
        ->capture_default_str();
    app->add_option("--methods", command->methods, "Methods in the gallery; by default those evaluated");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_report(*command, globals, console); };
    });
}

}  // namespace spikelens::app

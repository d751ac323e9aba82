#include "spikelens/report/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/files.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/accuracy.h"
#include "spikelens/results/store.h"

#include "commands.h"
#include "explainer.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<ReportFilter> filters_of(const OpenRun& run) {
    std::vector<ReportFilter> filters;
    if (!fs::exists(run.files.visualisations())) return filters;
    for (const FilterVisualisation& picture : load_visualisations(run.fingerprint, run.files.visualisations())) {
        ReportFilter filter;
        filter.name = filter_name(run.network, picture.filter);
        filter.average = picture.average;
        filter.crops = picture.crops;
        filter.averaged = picture.averaged;
        filter.spread = picture.spread;
        filter.receptive_field = static_cast<int>(receptive_field(run.network, picture.filter.layer).size);
        filters.push_back(std::move(filter));
    }
    return filters;
}

/// Methods of the evaluation, or the usual ones; without those that need what the run does not have; always with the baselines.
std::vector<std::string> methods_of(const ReportCommand& command, const OpenRun& run, const json& evaluate) {
    std::vector<std::string> methods = split_list(command.methods);
    if (methods.empty() && evaluate.is_object())
        for (const json& method : evaluate.at("methods")) methods.push_back(method.at("method"));
    if (methods.empty()) methods = {"svebi", "grad2d", "ig2d", "gate"};
    for (const char* baseline : {"input", "random"})
        if (std::ranges::find(methods, baseline) == methods.end()) methods.emplace_back(baseline);
    if (command.methods.empty() && !fs::exists(run.files.relevant()))
        std::erase_if(methods, [](const std::string& text) { return parse_method(text).method->info().needs_relevant; });
    return methods;
}

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

FloatArray row_of(const FloatArray& array, int64_t index) {
    const auto row = array.row(index);
    return {Shape(array.shape.begin() + 1, array.shape.end()), std::vector<float>(row.begin(), row.end())};
}

std::vector<ReportImage> explained_images(const Explainer& explainer, const SampleSource& data,
                                          const std::vector<int64_t>& chosen, Console& console) {
    const FloatArray images = data.images(chosen);
    const FloatArray scores = explainer.simulator().run(images).scores;
    const std::vector<int> predicted = predictions(scores);
    std::vector<ReportImage> result;
    for (size_t i = 0; i < chosen.size(); ++i)
        result.push_back({chosen[i],
                          data.label(chosen[i]),
                          predicted[i],
                          softmax(scores.row(static_cast<int64_t>(i))),
                          row_of(images, static_cast<int64_t>(i)),
                          {}});
    int64_t done = 0;
    for (const MethodSpec& method : explainer.methods()) {
        report_progress(console.progress(), "explaining images for the report", done++,
                        static_cast<int64_t>(explainer.methods().size()), method.text);
        const FloatArray maps = explainer.maps(method, images, predicted, chosen);
        for (size_t i = 0; i < chosen.size(); ++i) result[i].maps.push_back(row_of(maps, static_cast<int64_t>(i)));
    }
    report_progress(console.progress(), "explaining images for the report", done, done);
    return result;
}

}  // namespace

Outcome run_report(const ReportCommand& command, const Globals& globals, Console& console) {
    const OpenRun run = open_run(command.run);
    ReportData data;
    data.run = command.run.string();
    data.manifest = run.manifest;
    data.train = result_of(run, "train");
    data.interpret = result_of(run, "interpret");
    data.evaluate = result_of(run, "evaluate");
    data.filters = filters_of(run);
    const Explainer explainer(run, methods_of(command, run, data.evaluate), globals);
    for (const MethodSpec& method : explainer.methods()) {
        const MethodInfo& info = method.method->info();
        data.methods.push_back(
            {method.text, info.title, info.meaning, info.signed_values && method.view == View::natural, info.baseline});
    }
    const LoadedDataset dataset = run.load_data();
    const Accuracy accuracy = measure_accuracy(explainer.simulator(), *dataset.test, "test images", console.progress());
    const std::vector<int64_t> chosen = choose_images(*dataset.test, accuracy.predicted, command.images, globals.seed);
    data.images = explained_images(explainer, *dataset.test, chosen, console);
    const auto wrong =
        std::ranges::count_if(data.images, [](const ReportImage& image) { return image.label != image.predicted; });
    data.image_choice = fmt::format("{} right and {} wrong predictions of the test set, drawn at random with seed {}",
                                    data.images.size() - wrong, wrong, globals.seed);

    const fs::path path = command.out.empty() ? run.files.report() : command.out;
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
    app->add_option("--out", command->out, "The file to write; RUN/report.html unless said");
    app->add_option("--images", command->images, "Images in the gallery, half of them wrong predictions")
        ->check(CLI::Range(0, 500))
        ->capture_default_str();
    app->add_option("--methods", command->methods, "Methods in the gallery; those evaluated unless said");
    app->callback([command, &run] {
        run = [command](const Globals& globals, Console& console) { return run_report(*command, globals, console); };
    });
}

}  // namespace spikelens::app

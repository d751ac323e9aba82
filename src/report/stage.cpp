#include "spikelens/report/stage.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/option_error.h"
#include "spikelens/core/printable.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/decision_time.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/output.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/report/report.h"

#include "explained.h"

namespace spikelens {
namespace {

constexpr int kMostImages = 500, kMostRecordings = 12;
constexpr size_t kMostFilters = 500;

/// The filters that drive a class at the run's budget.
std::set<std::string> driving_filters(const InterpretResult& interpret) {
    std::set<std::string> names;
    for (const ClassPath& path : interpret.per_class)
        for (const PathPoint& point : path.path)
            if (point.mu == interpret.chosen_mu)
                for (const WeightedFilter& filter : point.filters)
                    names.insert(fmt::format("{}.{}", filter.layer, filter.filter));
    return names;
}

/// All that were drawn; of a network with very many, those that drive a class.
std::vector<ReportFilter> filters_of(const Run& run, const std::optional<InterpretResult>& interpret,
                                     const StageNotes& notes) {
    std::vector<ReportFilter> filters;
    const std::filesystem::path path = run.files.visualisations();
    if (!has_result(run, path, notes)) return filters;
    const bool all = !interpret || interpret->filters.size() <= kMostFilters;
    const std::set<std::string> driving = all ? std::set<std::string>() : driving_filters(*interpret);
    load_visualisations(stored_identity(path), path, [&](FilterVisualisation picture) {
        if (!all && !driving.contains(filter_name(*run.network, picture.filter))) return;
        filters.push_back({filter_name(*run.network, picture.filter), std::move(picture.average),
                           std::move(picture.crops), picture.averaged, picture.spread,
                           static_cast<int>(receptive_field(*run.network, picture.filter.layer).size)});
    });
    return filters;
}

/// Methods of the evaluation, or the usual ones; without those that need what the run does not have; always with the
/// baselines.
std::vector<std::string> methods_of(const ReportOptions& options, const Run& run, bool spiking,
                                    const std::optional<EvaluateResult>& evaluate, const StageNotes& notes) {
    std::vector<std::string> methods = options.methods;
    if (methods.empty() && evaluate)
        for (const EvaluatedMethod& of : evaluate->methods) methods.push_back(of.method);
    if (methods.empty()) methods = shown_methods(run, spiking, notes);
    for (const char* baseline : {"input", "random"})
        if (std::ranges::find(methods, baseline) == methods.end()) methods.emplace_back(baseline);
    if (options.methods.empty() && !has_result(run, run.files.relevant(), {}))
        std::erase_if(methods,
                      [](const std::string& text) { return parse_method(text).method->info().needs_relevant; });
    return methods;
}

/// As many right as wrong predictions as there are, drawn by the seed.
std::vector<int64_t> choose_images(const SampleSource& data, const std::vector<int>& predicted, int count,
                                   uint64_t seed) {
    std::vector<int64_t> right, wrong, chosen;
    for (int64_t index :
         random_permutation(data.size(), seed, Stream::sampling, {static_cast<uint64_t>(SampleDraw::gallery)}))
        (data.label(index) == predicted[index] ? right : wrong).push_back(index);
    const size_t wrongs = std::min(wrong.size(), static_cast<size_t>(count) / 2),
                 rights = std::min(right.size(), count - wrongs);
    chosen.assign(right.begin(), right.begin() + static_cast<ptrdiff_t>(rights));
    chosen.insert(chosen.end(), wrong.begin(), wrong.begin() + static_cast<ptrdiff_t>(wrongs));
    std::ranges::sort(chosen);
    return chosen;
}

ReportDecisions decision_times(const Network& network, const SampleSource& samples, int steps,
                               const Execution& execution) {
    constexpr int64_t kBatch = 256;
    ReportDecisions result;
    if (!can_watch(network)) return result;
    const DecisionWatch watch(network, execution);
    result.right.resize(steps);
    result.wrong.resize(steps);
    for (int64_t first = 0; first < samples.size(); first += kBatch) {
        execution.report("decision times", first, samples.size());
        std::vector<int64_t> indices(std::min(kBatch, samples.size() - first));
        std::iota(indices.begin(), indices.end(), first);
        const std::vector<DecisionTime> times = watch.watch(samples.input(indices));
        for (size_t i = 0; i < times.size(); ++i) {
            if (times[i].decided == 0) continue;
            const bool right = times[i].predicted.back() == samples.label(indices[i]);
            ++(right ? result.right : result.wrong)[times[i].decided - 1];
        }
    }
    execution.report("decision times", samples.size(), samples.size());
    return result;
}

/// Everything but the samples.
ReportData gather(const Run& run, const ReportOptions& options, const StageNotes& notes) {
    ReportData data;
    data.run = run.files.root.string();
    data.command = options.again;
    data.manifest = run.manifest;
    data.coding = run.coding_or_direct();
    data.results = current_results(run, notes);
    data.filters = filters_of(run, data.results.interpret, notes);
    data.counts_spikes = !signals(*run.network).back().currents;
    return data;
}

}  // namespace

ReportResult report_run(const Run& run, const ReportOptions& options, const Execution& execution,
                        const StageNotes& notes) {
    const std::filesystem::path path = options.out.empty() ? run.files.report() : options.out;
    if (options.images < 0 || options.images > kMostImages)
        throw OptionError("images",
                          fmt::format("the gallery shows 0 to {} samples, not {}", kMostImages, options.images));
    check_output(path, OutputKind::report);
    ReportData data = gather(run, options, notes);
    const RunData samples = run.load_data(execution);
    const bool spiking = samples.test->steps() > 0, recordings = spiking && !samples.coded();
    data.input_kind = recordings ? "recordings" : "images";
    data.steps = spiking ? samples.test->steps() : run.network->steps;
    const Explainer explainer(run, methods_of(options, run, spiking, data.results.evaluate, notes), spiking,
                              options.seed, execution);
    const Accuracy accuracy = measure_accuracy(explainer.engine(), *samples.test, "test samples");
    data.decisions = decision_times(*run.network, *samples.test, data.steps, execution);
    const int count = recordings ? std::min(options.images, kMostRecordings) : options.images;
    const std::vector<int64_t> chosen = choose_images(*samples.test, accuracy.predicted, count, options.seed);
    explain_samples(explainer, *samples.test, chosen, execution, data);
    const auto wrong = std::ranges::count_if(data.images, [](const ReportImage& image) { return !image.is_right(); });
    data.image_choice = fmt::format("{} right and {} wrong predictions of the test set, drawn at random with seed {}",
                                    data.images.size() - wrong, wrong, options.seed);
    const std::string html = report_html(data);
    write_file(path, html);
    return {"report", data.run, run.fingerprint, path.string(), static_cast<int64_t>(html.size()), chosen};
}

std::string text_of(const ReportResult& result) { return printable(result.report) + "\n"; }

}  // namespace spikelens

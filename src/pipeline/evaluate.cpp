#include "spikelens/pipeline/evaluate.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/core/naming.h"
#include "spikelens/core/option_error.h"
#include "spikelens/core/printable.h"
#include "spikelens/evaluate/robustness.h"
#include "spikelens/io/sha256.h"
#include "spikelens/pipeline/check_memory.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/shard_folders.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/pipeline/suite.h"

#include "evaluate_result.h"
#include "forecast.h"
#include "metric_context.h"
#include "scores.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr int64_t kImagesAtOnce = 100;
constexpr int64_t kRecordingsAtOnce = 10;
constexpr int64_t kFirstAtOnce = 8;

/// Twice as many samples as the last time or half as many, so that a chunk takes about a second: that much an
/// interruption may lose.
int64_t next_chunk(int64_t samples, Clock::duration took, int64_t most) {
    using std::chrono::milliseconds;
    if (took < milliseconds(500)) return std::min(2 * samples, most);
    return took > milliseconds(2000) ? std::max<int64_t>(1, samples / 2) : samples;
}

std::string file_name(std::string method) {
    std::ranges::replace_if(
        method, [](char c) { return c == ':' || c == '=' || c == '/'; }, '-');
    return method + ".h5";
}

void check_options(const EvaluateOptions& options, int64_t pixels) {
    if (options.samples < 0)
        throw OptionError("samples",
                          fmt::format("the number of samples must be 0 (all) or more, not {}", options.samples));
    if (options.metric.pixels_per_step < 0 || options.metric.pixels_per_step > pixels)
        throw OptionError("step", fmt::format("the pixels per step must be 0 (an image row) to {}, not {}", pixels,
                                              options.metric.pixels_per_step));
    if (options.metric.spike_steps < 1 || options.metric.spike_steps > 10000)
        throw OptionError("spike_steps", fmt::format("the steps in which spikes are changed must be 1 to 10000, not {}",
                                                     options.metric.spike_steps));
}

/// What is measured by what: as named, else of the suite, else the usual.
Suite chosen(const Run& run, const SampleSource& test, const EvaluateOptions& options, bool spiking, bool recordings,
             const StageNotes& notes) {
    Suite suite;
    if (!options.suite.empty())
        suite = suite_of(options.suite, run, test, spiking, !recordings, !options.masks.empty(), notes);
    if (!options.methods.empty()) suite.methods = options.methods;
    if (!options.metrics.empty()) suite.metrics = options.metrics;
    if (suite.methods.empty()) suite.methods = usual_methods(*run.network, spiking);
    if (suite.metrics.empty())
        suite.metrics = recordings ? std::vector<std::string>{"spike_insertion", "spike_deletion"}
                                   : std::vector<std::string>{"insertion", "deletion"};
    return suite;
}

/// No samples of the shape that the network is shown.
Input no_samples(const SampleSource& data) {
    Shape none = data.shape();
    none.insert(none.begin(), 0);
    if (data.steps() == 0) return FloatArray(none);
    none.insert(none.begin() + 1, data.steps());
    return Array<uint8_t>(none);
}

void say_what_has_no_value(const Explainer& explainer, const std::vector<MetricPointer>& metrics, const Input& none,
                           const StageNotes& notes) {
    for (const MetricPointer& metric : metrics)
        if (std::ranges::none_of(explainer.methods(),
                                 [&](const MethodSpec& of) { return metric->applies_to(of, none); }))
            notes.say(fmt::format("{} measures none of these methods on this input: {}", metric->info().name,
                                  metric->info().title));
}

/// What an evaluation works with, and what it says.
struct Work {
    const Run& run;
    const RunData& data;
    const EvaluateOptions& options;
    const Explainer& explainer;
    const Evaluator& evaluator;
    const Identity& protocol;
    const Execution& execution;
    const StageNotes& notes;
};

/// What evaluate.json holds of the same protocol: methods and metrics that stay.
struct Held {
    std::vector<MethodSpec> methods;
    std::vector<std::string> metrics;
};

/// Says in a line what goes since it is of another protocol.
Held held_by(const Run& run, const Identity& protocol, const StageNotes& notes) {
    const json before = run.document("evaluate");
    if (before.is_null()) return {};
    std::vector<std::string> methods;
    for (const json& method : before["methods"]) methods.push_back(method["method"]);
    const std::string difference = protocol.difference(before.value("identity", json()));
    if (!difference.empty()) {
        notes.say(fmt::format("{} was made with {}: what it holds of {} is replaced",
                              run.files.result("evaluate").string(), difference, fmt::join(methods, ", ")));
        return {};
    }
    Held held{{}, before["metrics"]};
    naming(run.files.result("evaluate"), [&] {
        for (const std::string& metric : held.metrics) find_metric(metric);
        for (const std::string& method : methods) held.methods.push_back(parse_method(method));
    });
    return held;
}

void join(Held& held, const Evaluator& evaluator, const Explainer& explainer) {
    for (const MetricPointer& metric : evaluator.metrics())
        if (std::ranges::find(held.metrics, metric->info().name) == held.metrics.end())
            held.metrics.push_back(metric->info().name);
    for (const MethodSpec& method : explainer.methods())
        if (std::ranges::find(held.methods, method.canonical, &MethodSpec::canonical) == held.methods.end())
            held.methods.push_back(method);
}

/// Goes on with what the file at `path` holds of the same evaluation, and keeps it up to date.
MethodScores measure(const Work& work, const MethodSpec& method, const Identity& identity, const fs::path& path) {
    MethodScores scores = load_scores(identity, path);
    const int64_t count = work.evaluator.samples(),
                  most = work.data.test->steps() > 0 ? kRecordingsAtOnce : kImagesAtOnce;
    const std::string task = "evaluating " + method.text;
    auto saved = Clock::now();
    const auto keep = [&] {
        if (scores.done > 0)
            work.notes.keeps(fmt::format("the scores of {} of {} samples by {} are kept", grouped(scores.done),
                                         grouped(count), method.text));
    };
    const auto save = [&] {
        save_scores(scores, identity, path);
        saved = Clock::now();
        keep();
    };
    keep();
    try {
        int64_t at_once = std::min(kFirstAtOnce, most);
        for (int64_t first = work.evaluator.reached(scores); first < count; first = work.evaluator.reached(scores)) {
            work.execution.report(task, first, count);
            const auto started = Clock::now();
            work.evaluator.advance(method, scores, at_once, work.execution, work.options.explained);
            at_once = next_chunk(at_once, Clock::now() - started, most);
            if (work.evaluator.reached(scores) == count || Clock::now() - saved > std::chrono::seconds(2)) save();
        }
    } catch (const Cancelled&) {
        if (scores.done > 0) save();
        throw;
    }
    work.execution.report(task, count, count);
    return scores;
}

/// Leaves in the scores the metrics that are through with all samples, and returns them.
std::vector<std::string> keep_complete(MethodScores& scores, const std::vector<std::string>& order, int64_t samples) {
    std::vector<std::string> complete;
    for (const std::string& metric : order)
        if (scores.measured_by(metric) == samples)
            complete.push_back(metric);
        else
            scores.metrics.erase(metric);
    return complete;
}

/// Measures what is asked for, and takes the scores of what is held from their files; says in a line what cannot be
/// kept.
std::vector<MeasuredMethod> measure_all(const Work& work, const Held& held) {
    std::vector<MeasuredMethod> all;
    const Input none = no_samples(*work.data.test);
    for (const MethodSpec& method : held.methods) {
        MeasuredMethod of{method, method_inputs(work.run, method), completeness_baseline(method, none), {}, {}};
        const Identity identity = work.protocol.with(of.inputs);
        const fs::path path = work.run.files.evaluation(file_name(method.text));
        const auto& asked = work.explainer.methods();
        const bool is_asked = std::ranges::find(asked, method.canonical, &MethodSpec::canonical) != asked.end();
        of.scores = is_asked ? measure(work, method, identity, path) : load_scores(identity, path);
        of.complete = keep_complete(of.scores, held.metrics, work.evaluator.samples());
        if (!of.complete.empty()) {
            all.push_back(std::move(of));
            continue;
        }
        work.notes.say(
            fmt::format("{0} goes: its scores are gone, or of other relevant filters or probes; evaluate {0} again to "
                        "make them anew",
                        method.text));
    }
    return all;
}

/// How the document is made again: one record for each set of metrics that methods have.
std::vector<StageRecord> records_of(const std::vector<MeasuredMethod>& measured, const EvaluateOptions& options) {
    std::vector<std::pair<std::vector<std::string>, std::vector<std::string>>> groups;  // metrics, methods
    for (const MeasuredMethod& of : measured) {
        auto found = std::ranges::find(groups, of.complete, [](const auto& group) { return group.first; });
        if (found == groups.end()) found = groups.insert(groups.end(), {of.complete, {}});
        found->second.push_back(of.method.text);
    }
    std::vector<StageRecord> records;
    for (const auto& [metrics, methods] : groups)
        records.push_back({options.again(methods, metrics), options.metric.seed});
    return records;
}

/// Where insertion begins, unless it is the baseline of all.
std::optional<Baseline> own_insertion_baseline(const EvaluateOptions& options) {
    const std::optional<Baseline> into = options.metric.insertion_baseline;
    return into == options.metric.baseline ? std::nullopt : into;
}

/// What a method and its metrics share with all others in one evaluate.json.
Identity protocol_of(const Run& run, const EvaluateOptions& options, const std::vector<int64_t>& samples,
                     int64_t step) {
    const auto into = own_insertion_baseline(options);
    const json insertion = into ? json{{"insertion_baseline", baseline_text(*into)}} : json::object();
    const json masks = options.masks.empty() ? json::object() : json{{"masks", sha256_of_file(options.masks)}};
    return run.identity_of("evaluate", 3, options.coding)
        .with({{"coding_of_run", run.coding_or_direct()},
               {"samples", samples.size()},
               {"test_indices", digest_of(samples)},
               {"seed", options.metric.seed},
               {"baseline", baseline_text(options.metric.baseline)},
               {"step", step},
               {"spike_steps", options.metric.spike_steps}})
        .with(insertion)
        .with(masks);
}

EvaluateResult result_of(const Work& work, const Held& held, const std::vector<MeasuredMethod>& measured) {
    const Network& network = *work.run.network;
    const int64_t pixels = int64_t{network.height} * network.width;
    EvaluateResult result;
    result.run = work.run.files.root.string();
    result.data = work.data.name;
    result.fingerprint = work.run.fingerprint;
    result.identity = work.protocol.inputs();
    result.input = work.data.test->steps() > 0 && !work.data.coded() ? "recordings" : "images";
    if (work.data.coded()) result.coding = coding_text(work.data.coding);
    result.samples = work.evaluator.samples();
    result.seed = work.options.metric.seed;
    result.baseline = baseline_text(work.options.metric.baseline);
    if (const auto into = own_insertion_baseline(work.options)) result.insertion_baseline = baseline_text(*into);
    result.pixels_per_step =
        work.options.metric.pixels_per_step > 0 ? work.options.metric.pixels_per_step : network.width;
    result.steps = (pixels + result.pixels_per_step - 1) / result.pixels_per_step;
    result.spike_steps = work.options.metric.spike_steps;
    result.metrics = held.metrics;
    result.undecided = measured.front().scores.undecided;
    add_scores(result, measured);
    if (!result.coding) result.paper = paper_values(result, network_text(network));
    return result;
}

void keep_result(const Work& work, const EvaluateResult& result, const std::vector<MeasuredMethod>& measured) {
    const RunDirectory& files = work.run.files;
    write_json(files.result("evaluate"), document_of(result));
    if (work.options.again) record_calls(files, "evaluate", records_of(measured, work.options));
    const std::vector<std::string> removed = remove_other_scores(work.protocol, files.evaluation(""));
    if (!removed.empty())
        work.notes.say(fmt::format("removed from {}, since another evaluation made them: {}",
                                   files.evaluation("").string(), fmt::join(removed, ", ")));
    remove_superseded_shards(work.run, "evaluate");
}

/// Calls use(Work) for the shard's samples; without one for all.
template <class Use>
auto with_work(const Run& run, const EvaluateOptions& options, const Execution& execution, const StageNotes& notes,
               const Shard& shard, const Use& use) {
    const int64_t width = run.network->width, pixels = run.network->height * width;
    check_options(options, pixels);
    const RunData data = run.load_data(execution, options.coding);
    const bool spiking = data.test->steps() > 0, recordings = spiking && !data.coded();
    const uint64_t seed = options.metric.seed;
    const Suite suite = chosen(run, *data.test, options, spiking, recordings, notes);
    const Explainer explainer(run, suite.methods, spiking, seed, execution);
    const std::vector<MetricPointer> metrics = find_metrics(suite.metrics, spiking, !recordings);
    for (const MetricPointer& metric : metrics)
        if (metric->info().needs_masks && options.masks.empty())
            throw OptionError("masks", fmt::format("{} needs masks of the test samples", metric->info().name));
    const auto inserts = [](const MetricPointer& metric) { return metric->info().name == "insertion"; };
    if (options.metric.insertion_baseline && std::ranges::none_of(metrics, inserts))
        throw OptionError("insertion_baseline", "a baseline of insertion alone, where insertion is not measured");
    if (options.samples > data.test->size() && options.samples != EvaluateOptions().samples)
        notes.say(fmt::format("the test set holds {} samples, fewer than {}: all of them are measured",
                              grouped(data.test->size()), grouped(options.samples)));
    const std::vector<int64_t> samples = draw_samples(*data.test, options.whole_batches, options.samples, seed);
    std::optional<Explainer> shuffled;
    if (std::ranges::any_of(metrics, [](const MetricPointer& metric) { return metric->info().needs_shuffled; }))
        shuffled.emplace(explainer, randomise_full(*run.network, seed), execution);
    const auto [first, end] = range_of(shard, static_cast<int64_t>(samples.size()));
    const Evaluator evaluator(*data.test, {samples.begin() + first, samples.begin() + end}, metrics,
                              metric_context(explainer, shuffled ? &*shuffled : nullptr, data, options.masks, samples),
                              options.metric);
    check_memory(explainer.engine(), *data.test);
    say_what_has_no_value(explainer, metrics, no_samples(*data.test), notes);

    const int64_t step = options.metric.pixels_per_step > 0 ? options.metric.pixels_per_step : width;
    const Identity protocol = protocol_of(run, options, samples, step);
    return use(Work{run, data, options, explainer, evaluator, protocol, execution, notes});
}

/// Says how long what is not measured yet takes.
void announce(const Work& work) {
    if (work.options.suite.empty()) return;
    std::vector<MethodSpec> left;
    for (const MethodSpec& method : work.explainer.methods()) {
        const Identity identity = work.protocol.with(method_inputs(work.run, method));
        const MethodScores scores = load_scores(identity, work.run.files.evaluation(file_name(method.text)));
        if (work.evaluator.reached(scores) < work.evaluator.samples()) left.push_back(method);
    }
    if (left.empty()) return;
    work.notes.say(
        fmt::format("{}: {} by {} on {}, {}", work.options.suite, counted(static_cast<int64_t>(left.size()), "method"),
                    counted(static_cast<int64_t>(work.evaluator.metrics().size()), "metric"),
                    counted(work.evaluator.samples(), "sample"), expected_time(work.evaluator, left, work.execution)));
}

EvaluateResult evaluate_all(const Work& work) {
    announce(work);
    const auto& [run, data, options, explainer, evaluator, protocol, execution, notes] = work;
    Held held = held_by(run, protocol, notes);
    join(held, evaluator, explainer);
    const std::vector<MeasuredMethod> measured = measure_all(work, held);
    EvaluateResult result = result_of(work, held, measured);
    keep_result(work, result, measured);
    return result;
}

/// Whether the run has this method's scores of all samples by all metrics.
bool has_all(const Work& work, const Identity& identity, const fs::path& path, int64_t samples) {
    const MethodScores scores = load_scores(identity, path);
    return std::ranges::all_of(work.evaluator.metrics(),
                               [&](const auto& metric) { return scores.measured_by(metric->info().name) == samples; });
}

ShardResult measure_shard(const Work& work, const Shard& shard) {
    const std::string text = shard_text(shard);
    const RunDirectory files = shard_directory(work.run.files, "evaluate", shard);
    ShardResult result{"evaluate", work.run.files.root.string(), text, work.evaluator.samples(), {}};
    for (const MethodSpec& method : work.explainer.methods()) {
        const fs::path path = files.evaluation(file_name(method.text));
        const Identity whole = work.protocol.with(method_inputs(work.run, method)),
                       identity = whole.with({{"shard", text}});
        const auto samples = whole.inputs().at("samples").get<int64_t>();
        if (shard.of_job && has_all(work, whole, work.run.files.evaluation(file_name(method.text)), samples)) continue;
        MethodScores scores = measure(work, method, identity, path);
        if (work.evaluator.samples() == 0) {
            for (const MetricPointer& metric : work.evaluator.metrics()) scores.measured[metric->info().name] = 0;
            save_scores(scores, identity, path);
        }
        result.files.push_back(path.string());
    }
    if (result.samples == 0 && !shard.of_job)
        work.notes.say(fmt::format("shard {} has no samples: there are fewer of them than shards", text));
    return result;
}

}  // namespace

EvaluateResult evaluate(const Run& run, const EvaluateOptions& options, const Execution& execution,
                        const StageNotes& notes) {
    return with_work(run, options, with_forecast(execution, notes), notes, {}, evaluate_all);
}

ShardResult evaluate_shard(const Run& run, const EvaluateOptions& options, const Shard& shard,
                           const Execution& execution, const StageNotes& notes) {
    return with_work(run, options, with_forecast(execution, notes), notes, shard,
                     [&](const Work& work) { return measure_shard(work, shard); });
}

}  // namespace spikelens

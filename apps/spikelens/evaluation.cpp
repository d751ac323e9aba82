#include "evaluation.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/attribute/completeness.h"
#include "spikelens/core/error.h"
#include "spikelens/evaluate/robustness.h"
#include "spikelens/io/array_file.h"
#include "spikelens/snn/decision.h"

#include "interrupt.h"

namespace spikelens::app {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int64_t kImagesAtOnce = 100;
constexpr int64_t kRecordingsAtOnce = 10;
constexpr int64_t kFirstAtOnce = 8;

/// Twice as many samples as the last time or half as many, so that a chunk takes about a second: that much an interruption may
/// lose. What a sample scores does not depend on its chunk.
int64_t next_chunk(int64_t samples, Clock::duration took, int64_t most) {
    using std::chrono::milliseconds;
    if (took < milliseconds(500)) return std::min(2 * samples, most);
    return took > milliseconds(2000) ? std::max<int64_t>(1, samples / 2) : samples;
}

const std::string kMeasured = "/measured";  // of each metric in a file of scores
constexpr std::array kMapStates = {MapState::values, MapState::zero, MapState::noise, MapState::constant};

void save_scores(const MethodScores& scores, const Identity& identity, const fs::path& path) {
    ArrayFile file;
    file.attributes["identity"] = identity.inputs().dump();
    file.arrays["seconds"] = DoubleArray({1}, scores.seconds);
    file.arrays["done"] = Array<int64_t>({1}, scores.done);
    for (const auto& [metric, samples] : scores.measured) file.arrays[metric + kMeasured] = Array<int64_t>({1}, samples);
    file.arrays["undecided"] = Array<int64_t>({1}, scores.undecided);
    for (const MapState state : kMapStates) {
        const auto found = scores.maps.find(state);
        file.arrays["maps/" + map_state_text(state)] = Array<int64_t>({1}, found == scores.maps.end() ? 0 : found->second);
    }
    for (const auto& [metric, result] : scores.metrics) {
        file.arrays[metric + "/auc"] = DoubleArray({static_cast<int64_t>(result.auc.size())}, result.auc);
        if (!result.curves.empty()) file.arrays[metric + "/curves"] = result.curves;
    }
    write_arrays(path, file);
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

bool needs_spikes(const std::string& metric) { return metric.starts_with("spike_"); }
bool needs_images(const std::string& metric) { return metric == "insertion" || metric == "deletion"; }

void check_metrics(const std::vector<std::string>& metrics, const RunData& data) {
    const bool spiking = data.test->steps() > 0;
    for (const std::string& metric : metrics) {
        find_metric(metric);
        if (std::ranges::count(metrics, metric) > 1) throw InputError("the metric '" + metric + "' is asked for twice");
        if (needs_spikes(metric) && !spiking)
            throw InputError("the metric " + metric + " takes single spikes away, and this run's input is images; expected " +
                             metric.substr(6));
        if (needs_images(metric) && spiking && !data.coded())
            throw InputError(fmt::format(
                "the metric {0} takes pixels away, and this run's input is recordings; expected spike_{0}", metric));
    }
}

FloatArray one_of(const FloatArray& all, int64_t index) {
    Shape shape = all.shape;
    shape[0] = 1;
    const auto row = all.row(index);
    return {std::move(shape), std::vector<float>(row.begin(), row.end())};
}

}  // namespace

bool MethodScores::complete(const std::vector<std::string>& wanted, int64_t samples) const {
    return std::ranges::all_of(wanted, [&](const std::string& metric) {
        const auto found = measured.find(metric);
        return found != measured.end() && found->second == samples;
    });
}

MethodScores load_scores(const Identity& identity, const fs::path& path) {
    MethodScores scores;
    if (!fs::exists(path)) return scores;
    const ArrayFile file = read_arrays(path);
    if (const auto found = file.attributes.find("identity");
        found == file.attributes.end() || found->second != identity.inputs().dump())
        return scores;
    scores.seconds = file.get<double>("seconds").data.at(0);
    scores.done = file.get<int64_t>("done").data.at(0);
    scores.undecided = file.get<int64_t>("undecided").data.at(0);
    for (const MapState state : kMapStates) scores.maps[state] = file.get<int64_t>("maps/" + map_state_text(state)).data.at(0);
    for (const auto& [name, array] : file.arrays) {
        if (!name.ends_with(kMeasured)) continue;
        const std::string metric = name.substr(0, name.size() - kMeasured.size());
        scores.measured[metric] = file.get<int64_t>(name).data.at(0);
        if (!file.arrays.contains(metric + "/auc")) continue;
        scores.metrics[metric].auc = file.get<double>(metric + "/auc").data;
        if (file.arrays.contains(metric + "/curves")) scores.metrics[metric].curves = file.get<float>(metric + "/curves");
    }
    return scores;
}

struct Evaluation::Chunk {
    const MethodSpec& method;
    std::vector<int64_t> samples;  ///< for which a class is predicted
    Input input;
    std::vector<int> targets;
    FloatArray scores, attribution;
};

Evaluation::Evaluation(const Explainer& explainer, const RunData& data, std::vector<int64_t> samples,
                       const EvaluateCommand& command, const Globals& globals)
    : explainer_(explainer),
      data_(data),
      samples_(std::move(samples)),
      metrics_(split_list(command.metrics)),
      seed_(globals.seed) {
    if (metrics_.empty())
        metrics_ = data.test->steps() > 0 && !data.coded() ? std::vector<std::string>{"spike_insertion", "spike_deletion"}
                                                           : std::vector<std::string>{"insertion", "deletion"};
    check_metrics(metrics_, data);
    pixels_.baseline = parse_baseline(command.baseline);
    pixels_.pixels_per_step = command.step;
    pixels_.seed = places_.seed = globals.seed;
    places_.steps = command.spike_steps;
    if (std::ranges::find(metrics_, "randomisation") != metrics_.end())
        shuffled_.emplace(explainer, randomise_full(explainer.simulator().network(), globals.seed), globals);
}

MethodScores Evaluation::run(const MethodSpec& method, const Identity& identity, const fs::path& path, Console& console) const {
    MethodScores scores = load_scores(identity, path);
    const auto count = static_cast<int64_t>(samples_.size());
    const int64_t most = data_.test->steps() > 0 ? kRecordingsAtOnce : kImagesAtOnce;
    int64_t at_once = std::min(kFirstAtOnce, most);
    int64_t first = count;  // where the metric that has come least far goes on
    for (const std::string& metric : metrics_) first = std::min(first, scores.measured[metric]);
    auto saved = Clock::now();
    const auto keep = [&] {
        if (scores.done > 0)
            console.keeps(fmt::format("the scores of {} of {} samples by {} are kept", grouped(scores.done), grouped(count),
                                      method.text));
    };
    const auto save = [&] {
        save_scores(scores, identity, path);
        saved = Clock::now();
        keep();
    };
    keep();
    try {
        while (first < count) {
            report_progress(console.progress(), "evaluating " + method.text, first, count);
            const auto started = Clock::now();
            int64_t end = std::min(count, first + at_once);
            if (scores.done > first) end = std::min(end, scores.done);
            for (const std::string& metric : metrics_)  // a metric joins at the sample where it goes on
                if (scores.measured[metric] > first) end = std::min(end, scores.measured[metric]);
            add_chunk(method, first, end - first, scores);
            first = end;
            at_once = next_chunk(at_once, Clock::now() - started, most);
            if (first == count || Clock::now() - saved > std::chrono::seconds(2)) save();
        }
    } catch (const Cancelled&) {
        if (scores.done > 0) save();
        throw;
    }
    report_progress(console.progress(), "evaluating " + method.text, count, count);
    return scores;
}

/// The samples for which a class is predicted, with their input and scores.
Evaluation::Chunk Evaluation::decided_chunk(const MethodSpec& method, std::span<const int64_t> samples) const {
    Chunk chunk{method, {samples.begin(), samples.end()}, data_.test->input(samples), {}, {}, {}};
    chunk.scores = explainer_.simulator().run(chunk.input).scores;
    std::vector<int64_t> decided;
    for (size_t i = 0; i < samples.size(); ++i)
        if (!undecided(chunk.scores.row(static_cast<int64_t>(i)))) decided.push_back(samples[i]);
    if (decided.size() < samples.size()) {
        if (decided.empty()) return {method, {}, {}, {}, {}, {}};
        return decided_chunk(method, decided);
    }
    chunk.targets = predictions(chunk.scores);
    return chunk;
}

/// Explains the samples from `first` on, and measures what has not been measured of them: all of the chunk or nothing.
void Evaluation::add_chunk(const MethodSpec& method, int64_t first, int64_t count, MethodScores& scores) const {
    Chunk chunk = decided_chunk(method, std::span(samples_).subspan(first, count));
    std::map<std::string, Measured> results;
    for (const std::string& metric : metrics_)
        if (scores.measured[metric] == first) results[metric] = std::nullopt;
    std::map<MapState, int64_t> states;
    double seconds = 0;
    if (!chunk.samples.empty()) {
        const auto started = Clock::now();
        chunk.attribution = explainer_.attributions(method, chunk.input, chunk.targets, chunk.samples);
        seconds = std::chrono::duration<double>(Clock::now() - started).count();
        states = states_of(chunk);
        for (auto& [metric, result] : results) {
            if (asked_to_stop()) throw Cancelled();
            result = (this->*measure_of(metric))(chunk);
        }
    }
    for (const auto& [metric, result] : results) {
        if (result) append(scores.metrics[metric], *result);
        scores.measured[metric] += count;
    }
    if (scores.done != first) return;  // these samples were explained before, for other metrics
    for (const auto& [state, maps] : states) scores.maps[state] += maps;
    scores.seconds += seconds;
    scores.done += count;
    scores.undecided += count - static_cast<int64_t>(chunk.samples.size());
}

std::map<MapState, int64_t> Evaluation::states_of(const Chunk& chunk) {
    std::map<MapState, int64_t> states;
    const FloatArray maps = pixel_maps(chunk.attribution, chunk.method.view);
    for (size_t i = 0; i < chunk.samples.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        const MapState state = map_state(chunk.method.method->info(), maps.row(n), chunk.scores.row(n));
        if (state == MapState::not_finite)
            throw InputError("the map of " + chunk.method.text + " for test sample " + std::to_string(chunk.samples[i]) +
                             " holds values that are not finite, so nothing can be ranked by it");
        ++states[state];
    }
    return states;
}

Evaluation::Measure Evaluation::measure_of(const std::string& metric) {
    static const std::map<std::string, Measure> measures = {
        {"insertion", &Evaluation::perturb_pixels<Perturbation::insertion>},
        {"deletion", &Evaluation::perturb_pixels<Perturbation::deletion>},
        {"spike_insertion", &Evaluation::perturb_places<Perturbation::insertion>},
        {"spike_deletion", &Evaluation::perturb_places<Perturbation::deletion>},
        {"sensitivity", &Evaluation::measure_sensitivity},
        {"randomisation", &Evaluation::measure_randomisation},
        {"completeness", &Evaluation::measure_completeness},
    };
    return measures.at(metric);
}

std::optional<std::string> Evaluation::own_baseline(const MethodSpec& method) const {
    Shape none = data_.test->shape();
    none.insert(none.begin(), 0);
    if (data_.test->steps() == 0) return completeness_baseline(method, FloatArray(none));
    none.insert(none.begin(), data_.test->steps());
    return completeness_baseline(method, Array<uint8_t>(none));
}

/// Of coded images one sample at a time: a random coder draws for each sample alone.
template <Perturbation kind>
Evaluation::Measured Evaluation::perturb_pixels(const Chunk& chunk) const {
    const FloatArray images = data_.test->images(chunk.samples), maps = pixel_maps(chunk.attribution, chunk.method.view);
    const Simulator& simulator = explainer_.simulator();
    if (!data_.coded()) {
        const auto score = [&](const FloatArray& perturbed) { return simulator.run(perturbed).scores; };
        return perturb(kind, images, maps, chunk.targets, chunk.samples, score, pixels_);
    }
    PerturbationResult all;
    for (size_t i = 0; i < chunk.samples.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        const auto score = [&](const FloatArray& perturbed) {
            const std::vector<int64_t> addresses(perturbed.extent(0), data_.test_address(chunk.samples[i]));
            return simulator.run(data_.shown(perturbed, addresses)).scores;
        };
        append(all, perturb(kind, one_of(images, n), one_of(maps, n), {&chunk.targets[i], 1}, {&chunk.samples[i], 1}, score,
                            pixels_));
    }
    return all;
}

template <Perturbation kind>
Evaluation::Measured Evaluation::perturb_places(const Chunk& chunk) const {
    const Array<uint8_t>& spikes = chunk.input.spikes;
    const auto score = [&](const Array<uint8_t>& perturbed) { return explainer_.simulator().run_spikes(perturbed).scores; };
    return perturb_spikes(kind, spikes, spike_scores(chunk.attribution, chunk.method.view, spikes.shape), chunk.targets,
                          chunk.samples, score, places_);
}

Evaluation::Measured Evaluation::measure_sensitivity(const Chunk& chunk) const {
    const auto maps = [&](const Input& input) { return explainer_.maps(chunk.method, input, chunk.targets, chunk.samples); };
    SensitivityOptions options;
    options.seed = seed_;
    return PerturbationResult{sensitivity(chunk.input, chunk.samples, maps, options), {}};
}

Evaluation::Measured Evaluation::measure_randomisation(const Chunk& chunk) const {
    const FloatArray shuffled = shuffled_->maps(chunk.method, chunk.input, chunk.targets, chunk.samples);
    PerturbationResult result{rank_correlation(pixel_maps(chunk.attribution, chunk.method.view), shuffled), {}};
    for (double& value : result.auc) value = std::abs(value);
    return result;
}

/// From the method's own baseline, whatever pixels are taken away to.
Evaluation::Measured Evaluation::measure_completeness(const Chunk& chunk) const {
    if (!completeness_baseline(chunk.method, chunk.input)) return std::nullopt;
    PerturbationResult result;
    for (const Completeness& sample :
         own_completeness(chunk.method, explainer_.simulator(), chunk.input, chunk.attribution, chunk.scores, chunk.targets))
        result.auc.push_back(sample.gap);
    return result;
}

}  // namespace spikelens::app

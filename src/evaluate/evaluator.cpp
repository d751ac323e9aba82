#include "spikelens/evaluate/evaluator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "spikelens/core/error.h"
#include "spikelens/snn/decision.h"

namespace spikelens {
namespace {

using Clock = std::chrono::steady_clock;

std::map<MapState, int64_t> states_of(const ExplainedSamples& explained) {
    std::map<MapState, int64_t> states;
    const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
    for (size_t i = 0; i < explained.samples.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        const MapState state = map_state(explained.method.method->info(), maps.row(n), explained.scores.row(n));
        if (state == MapState::not_finite)
            throw InputError("the map of " + explained.method.text + " for test sample " +
                             std::to_string(explained.samples[i]) +
                             " holds values that are not finite, so nothing can be ranked by it");
        ++states[state];
    }
    return states;
}

void check_part(const MethodScores& part, const MethodScores& first) {
    bool fits = part.measured.size() == first.measured.size();
    for (const auto& [metric, samples] : part.measured)
        fits = fits && first.measured.contains(metric) && samples == part.done;
    if (!fits) throw InputError("evaluations are merged when each is through with all its samples by the same metrics");
}

}  // namespace

int64_t MethodScores::measured_by(const std::string& metric) const {
    const auto found = measured.find(metric);
    return found == measured.end() ? 0 : found->second;
}

MethodScores merge(std::span<const MethodScores> parts) {
    MethodScores all;
    for (const MethodScores& part : parts) {
        check_part(part, parts.front());
        for (const auto& [metric, result] : part.metrics) append(all.metrics[metric], result);
        for (const auto& [metric, samples] : part.measured) all.measured[metric] += samples;
        for (const auto& [state, maps] : part.maps) all.maps[state] += maps;
        all.done += part.done;
        all.undecided += part.undecided;
        all.seconds += part.seconds;
    }
    return all;
}

struct Evaluator::Chunk {
    std::vector<int64_t> samples;  ///< for which a class is predicted
    Input input;
    std::vector<int> targets;
    FloatArray scores;
};

Evaluator::Evaluator(const SampleSource& data, std::vector<int64_t> samples, std::vector<MetricPointer> metrics,
                     MetricContext context, const MetricOptions& options, std::vector<int> targets)
    : data_(data),
      samples_(std::move(samples)),
      metrics_(std::move(metrics)),
      context_(std::move(context)),
      options_(options),
      targets_(std::move(targets)) {
    if (!targets_.empty() && targets_.size() != samples_.size())
        throw InputError("evaluating " + std::to_string(samples_.size()) + " samples needs as many targets, not " +
                         std::to_string(targets_.size()));
    context_.versions = std::make_shared<VersionScores>();
}

int64_t Evaluator::reached(const MethodScores& scores) const {
    int64_t first = samples();
    for (const MetricPointer& metric : metrics_) first = std::min(first, scores.measured_by(metric->info().name));
    return first;
}

int64_t Evaluator::end_of_chunk(const MethodScores& scores, int64_t first, int64_t at_most) const {
    int64_t end = std::min(samples(), first + at_most);
    if (scores.done > first) end = std::min(end, scores.done);
    for (const MetricPointer& metric : metrics_)
        if (const int64_t measured = scores.measured_by(metric->info().name); measured > first)
            end = std::min(end, measured);
    return end;
}

/// The samples for which a class is predicted, with their input and scores.
Evaluator::Chunk Evaluator::decided_chunk(std::span<const int64_t> samples) const {
    Chunk chunk{{samples.begin(), samples.end()}, data_.input(samples), {}, {}};
    chunk.scores = context_.model.engine->run(chunk.input).scores;
    std::vector<int64_t> decided;
    for (size_t i = 0; i < samples.size(); ++i)
        if (!undecided(chunk.scores.row(static_cast<int64_t>(i)))) decided.push_back(samples[i]);
    if (decided.size() < samples.size()) {
        if (decided.empty()) return {};
        return decided_chunk(decided);
    }
    chunk.targets = predictions(chunk.scores);
    return chunk;
}

/// These samples with the classes to explain: all of them where targets are given.
Evaluator::Chunk Evaluator::chunk_of(int64_t first, int64_t count) const {
    const auto samples = std::span(samples_).subspan(first, count);
    if (targets_.empty()) return decided_chunk(samples);
    Chunk chunk{{samples.begin(), samples.end()}, data_.input(samples), {}, {}};
    chunk.scores = context_.model.engine->run(chunk.input).scores;
    chunk.targets.assign(targets_.begin() + first, targets_.begin() + first + count);
    return chunk;
}

void Evaluator::advance(const MethodSpec& method, MethodScores& scores, int64_t at_most, const Execution& execution,
                        const std::function<void(const ExplainedSamples&)>& seen) const {
    const int64_t first = reached(scores), count = end_of_chunk(scores, first, at_most) - first;
    const Chunk chunk = chunk_of(first, count);
    std::map<std::string, MetricResult> results;
    std::map<MapState, int64_t> states;
    double seconds = 0;
    if (!chunk.samples.empty()) {
        const auto started = Clock::now();
        const FloatArray attribution = explain(method, context_.model, {chunk.input, chunk.targets, chunk.samples});
        seconds = std::chrono::duration<double>(Clock::now() - started).count();
        const ExplainedSamples explained{method, chunk.samples, chunk.input, chunk.targets, chunk.scores, attribution};
        states = states_of(explained);
        for (const MetricPointer& metric : metrics_) {
            if (scores.measured_by(metric->info().name) != first || !metric->applies_to(method, chunk.input)) continue;
            execution.stop_if_cancelled();
            results[metric->info().name] = metric->measure(context_, explained, options_);
        }
        if (seen) seen(explained);
    }
    for (const auto& [metric, result] : results) append(scores.metrics[metric], result);
    for (const MetricPointer& metric : metrics_)
        if (int64_t& measured = scores.measured[metric->info().name]; measured == first) measured += count;
    if (scores.done != first) return;  // these samples were explained before, for other metrics
    for (const auto& [state, maps] : states) scores.maps[state] += maps;
    scores.seconds += seconds;
    scores.done += count;
    scores.undecided += count - static_cast<int64_t>(chunk.samples.size());
}

}  // namespace spikelens

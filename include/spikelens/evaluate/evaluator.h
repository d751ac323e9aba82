#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "spikelens/attribute/map_state.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/evaluate/metric.h"

namespace spikelens {

/// What one method's attributions scored so far, sample by sample: all that an evaluation needs to go on. A metric that
/// does not apply to the method has no values; one without steps has no curves. Undecided samples (snn/decision.h) are
/// counted and have no values: there is no predicted class to explain and to follow.
struct MethodScores {
    std::map<std::string, MetricResult> metrics;
    std::map<std::string, int64_t>
        measured;  ///< by each metric, the first so many of the samples; those that do not apply too
    std::map<MapState, int64_t> maps;  ///< how many there are of each state
    int64_t done = 0;                  ///< samples, undecided ones included
    int64_t undecided = 0;
    double seconds = 0;  ///< spent on explanations

    /// How many samples this metric is through with.
    int64_t measured_by(const std::string& metric) const;
};

/// The scores of all samples from those of consecutive parts of them, in order: the same values as of one evaluation.
/// Throws InputError unless every part is through with its samples by the same metrics.
MethodScores merge(std::span<const MethodScores> parts);

/// Explains samples by a method and measures the explanations by several metrics, a chunk of samples at a time. No
/// value depends on how samples are cut into chunks, so whoever keeps the scores may stop and go on at will.
class Evaluator {
  public:
    /// `samples` of `data`, in the order of the values. The data and what the context points to outlive this. `targets`
    /// are the classes explained, one for each sample, and every sample is decided; empty: the predicted ones.
    Evaluator(const SampleSource& data, std::vector<int64_t> samples, std::vector<MetricPointer> metrics,
              MetricContext context, const MetricOptions& options, std::vector<int> targets = {});

    int64_t samples() const { return static_cast<int64_t>(samples_.size()); }
    const std::vector<MetricPointer>& metrics() const { return metrics_; }
    /// Where the metric that has come least far goes on.
    int64_t reached(const MethodScores& scores) const;
    /// Measures at most so many samples more from reached() on. A metric that has come further joins where it goes on;
    /// what the scores hold of other metrics stays. All of the chunk is in the scores afterwards, or, where something
    /// was thrown, nothing. Throws InputError when a map is not finite, and Cancelled between two metrics. `seen` is
    /// shown the decided samples of the chunk once they are measured.
    void advance(const MethodSpec& method, MethodScores& scores, int64_t at_most, const Execution& execution,
                 const std::function<void(const ExplainedSamples&)>& seen = {}) const;

  private:
    struct Chunk;
    Chunk decided_chunk(std::span<const int64_t> samples) const;
    Chunk chunk_of(int64_t first, int64_t count) const;
    int64_t end_of_chunk(const MethodScores& scores, int64_t first, int64_t at_most) const;

    const SampleSource& data_;
    std::vector<int64_t> samples_;
    std::vector<MetricPointer> metrics_;
    MetricContext context_;
    MetricOptions options_;
    std::vector<int> targets_;
};

}  // namespace spikelens

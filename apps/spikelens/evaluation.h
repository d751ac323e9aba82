#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/attribute/map_state.h"
#include "spikelens/evaluate/metrics.h"
#include "spikelens/evaluate/spike_perturbation.h"

#include "explainer.h"

namespace spikelens::app {

/// What one method's attributions scored so far, sample by sample: kept on disk, so that an interrupted evaluation goes on, and
/// that a metric asked for later joins the others. A metric that does not apply to the method has no values; one without steps
/// has no curves. Undecided samples (snn/decision.h) are counted and have no values: there is no predicted class to explain and
/// to follow.
struct MethodScores {
    std::map<std::string, PerturbationResult> metrics;
    std::map<std::string, int64_t> measured;  ///< by each metric, the first so many of the samples; those that do not apply too
    std::map<MapState, int64_t> maps;         ///< how many there are of each state
    int64_t done = 0;                         ///< samples, undecided ones included
    int64_t undecided = 0;
    double seconds = 0;  ///< spent on explanations

    /// Whether all these metrics are through with so many samples.
    bool complete(const std::vector<std::string>& wanted, int64_t samples) const;
};

/// Scores kept of this evaluation, whatever the metrics (`identity`); none where the file is missing or of another.
MethodScores load_scores(const Identity& identity, const std::filesystem::path& path);

/// Explains samples and measures the explanations, in chunks. Each metric has one function; all_metrics() are measured.
class Evaluation {
  public:
    /// Throws InputError for unknown metrics and for those that do not fit the data.
    Evaluation(const Explainer& explainer, const RunData& data, std::vector<int64_t> samples, const EvaluateCommand& command,
               const Globals& globals);

    const std::vector<std::string>& metrics() const { return metrics_; }
    /// What the method's completeness is measured from; none when it does not aim at it.
    std::optional<std::string> own_baseline(const MethodSpec& method) const;
    /// Goes on with what `path` holds of the same evaluation (`identity`), and keeps it up to date. What it holds of other
    /// metrics stays. Throws InputError when a map is not finite.
    MethodScores run(const MethodSpec& method, const Identity& identity, const std::filesystem::path& path,
                     Console& console) const;

  private:
    struct Chunk;
    /// None where the metric does not apply to the method.
    using Measured = std::optional<PerturbationResult>;
    using Measure = Measured (Evaluation::*)(const Chunk&) const;

    static Measure measure_of(const std::string& metric);
    Chunk decided_chunk(const MethodSpec& method, std::span<const int64_t> samples) const;
    void add_chunk(const MethodSpec& method, int64_t first, int64_t count, MethodScores& scores) const;
    static std::map<MapState, int64_t> states_of(const Chunk& chunk);
    template <Perturbation kind>
    Measured perturb_pixels(const Chunk& chunk) const;
    template <Perturbation kind>
    Measured perturb_places(const Chunk& chunk) const;
    Measured measure_sensitivity(const Chunk& chunk) const;
    Measured measure_randomisation(const Chunk& chunk) const;
    Measured measure_completeness(const Chunk& chunk) const;

    const Explainer& explainer_;
    const RunData& data_;
    std::vector<int64_t> samples_;
    std::vector<std::string> metrics_;
    PerturbationOptions pixels_;
    SpikePerturbationOptions places_;
    uint64_t seed_;
    std::optional<Explainer> shuffled_;  ///< of the network with shuffled weights
};

}  // namespace spikelens::app

#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/evaluate/metrics.h"
#include "spikelens/evaluate/spike_perturbation.h"

#include "explainer.h"

namespace spikelens::app {

/// What one method's attributions scored so far, sample by sample: kept on disk, so that an interrupted evaluation goes on, and
/// that a metric asked for later joins the others. A metric that does not apply to the method has no values; one without steps
/// has no curves.
struct MethodScores {
    std::map<std::string, PerturbationResult> metrics;
    std::map<std::string, int64_t> measured;  ///< by each metric, the first so many of the samples; those that do not apply too
    int64_t done = 0;                         ///< samples explained for `seconds`
    double seconds = 0;                       ///< spent on explanations

    /// Whether all these metrics are through with so many samples.
    bool complete(const std::vector<std::string>& wanted, int64_t samples) const;
};

/// Scores kept of this evaluation, whatever the metrics (`identity`); none where the file is missing or of another.
MethodScores load_scores(const Identity& identity, const std::filesystem::path& path);

/// Explains samples and measures the explanations, in chunks.
class Evaluation {
  public:
    /// Throws InputError for unknown metrics and for those that do not fit the data.
    Evaluation(const Explainer& explainer, const RunData& data, std::vector<int64_t> samples, const EvaluateCommand& command,
               const Globals& globals);

    const std::vector<std::string>& metrics() const { return metrics_; }
    /// Goes on with what `path` holds of the same evaluation (`identity`), and keeps it up to date. What it holds of other
    /// metrics stays.
    MethodScores run(const MethodSpec& method, const Identity& identity, const std::filesystem::path& path,
                     Console& console) const;

  private:
    struct Chunk;

    void add_chunk(const MethodSpec& method, int64_t first, int64_t count, MethodScores& scores) const;
    std::optional<PerturbationResult> measure(const std::string& metric, const Chunk& chunk) const;
    PerturbationResult perturb_pixels(Perturbation kind, const Chunk& chunk) const;
    PerturbationResult perturb_places(Perturbation kind, const Chunk& chunk) const;
    PerturbationResult measure_sensitivity(const Chunk& chunk) const;
    PerturbationResult measure_randomisation(const Chunk& chunk) const;
    PerturbationResult measure_completeness(const Chunk& chunk) const;

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

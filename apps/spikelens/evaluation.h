#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/evaluate/metrics.h"
#include "spikelens/evaluate/spike_perturbation.h"

#include "explainer.h"

namespace spikelens::app {

/// What one method's attributions scored so far, sample by sample: kept on disk, so that an interrupted evaluation goes on. A
/// metric that does not apply to the method has no values; one without steps has no curves.
struct MethodScores {
    std::map<std::string, PerturbationResult> metrics;
    int64_t done = 0;
    double seconds = 0;  ///< spent on explanations
};

/// Explains samples and measures the explanations, in chunks.
class Evaluation {
  public:
    /// Throws InputError for unknown metrics and for those that do not fit the data.
    Evaluation(const Explainer& explainer, const RunData& data, std::vector<int64_t> samples, const EvaluateCommand& command,
               const Globals& globals);

    const std::vector<std::string>& metrics() const { return metrics_; }
    /// Goes on with what `path` holds of the same evaluation (`identity`), and keeps it up to date.
    MethodScores run(const MethodSpec& method, const std::string& identity, const std::filesystem::path& path,
                     Console& console) const;

  private:
    struct Chunk;

    void add_chunk(const MethodSpec& method, std::span<const int64_t> samples, MethodScores& scores) const;
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

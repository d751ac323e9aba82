#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "spikelens/attribute/method.h"
#include "spikelens/attribute/probe.h"
#include "spikelens/core/execution.h"
#include "spikelens/core/samples.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/stage.h"

namespace spikelens {

/// A run's network with what the methods asked for need, and nothing they do not need. Copies share their parts.
class Explainer {
  public:
    /// `spiking`: what the network is shown. `seed` is of the methods that draw. Throws InputError for an unknown
    /// method, one that is named twice, one that does not explain such input, and one that needs relevant filters or
    /// probes that the run does not have, or has of another model or other data.
    Explainer(const Run& run, const std::vector<std::string>& methods, bool spiking, uint64_t seed,
              const Execution& execution);
    /// The same methods on another network of the same shape.
    Explainer(const Explainer& other, Network network, const Execution& execution);

    const std::vector<MethodSpec>& methods() const { return methods_; }
    const Engine& engine() const { return *engine_; }
    /// For explain() and metrics; valid as long as this or a copy lives.
    const AttributionContext& context() const { return context_; }
    /// Raw attributions of one method, [N, C, H, W] or [N, T, C, H, W].
    FloatArray attributions(const MethodSpec& method, const Input& input, std::span<const int> targets,
                            std::span<const int64_t> samples) const;
    /// Maps [N, H, W] of one method.
    FloatArray maps(const MethodSpec& method, const Input& input, std::span<const int> targets,
                    std::span<const int64_t> samples) const;

  private:
    void prepare(std::shared_ptr<const Network> network, uint64_t seed, const Execution& execution);

    std::vector<MethodSpec> methods_;
    Surrogate surrogate_;
    std::shared_ptr<const Engine> engine_;
    std::shared_ptr<const RelevantFilters> relevant_;
    std::shared_ptr<const Probe> probe_;
    AttributionContext context_;  // points to the parts above
};

/// What an attribution by this method depends on besides the run's model and data and the seed: { "method", "surrogate"
/// where it needs gradients, "relevant" (a digest of the filters' identity), "probe" }.
nlohmann::json method_inputs(const Run& run, const MethodSpec& method);

/// Of the identity of what a file of results holds; null without the file.
nlohmann::json digest_in(const std::filesystem::path& path);

/// "RUN/relevant.json does not belong to the run as RUN/manifest.json tells it (other data): run spikelens interpret
/// RUN again"
std::string stale_sentence(const Run& run, const std::filesystem::path& path, const std::string& reason,
                           const std::string& stage);

/// Whether the run has this file of results, and it is of the run as it is; a line says so where there is one that is
/// not.
bool has_result(const Run& run, const std::filesystem::path& path, const StageNotes& notes);

/// Whether a method can explain a network: gates, TSA and relevance know no recurrence, shares and sltrp no threshold
/// that adapts; svebi, sam, gradcam and conductance show the spikes of convolutions.
bool can_explain(std::string_view method, const Network& network);

/// What is shown of single samples unless methods are named: share (gates where thresholds adapt), SVEBI, a gradient
/// and integrated gradients, without what needs relevant filters that the run lacks (has_result).
std::vector<std::string> shown_methods(const Run& run, bool spiking, const StageNotes& notes);

/// The name of a class; its index where the network's classes have no names.
std::string class_name(const Network& network, int index);

/// What is evaluated unless methods are named: the same families for images and for spikes, of those that can
/// explain the network.
std::vector<std::string> usual_methods(const Network& network, bool spiking);

/// `count` different indices below `size`, drawn by the seed, ascending; all when count is 0 or too large.
std::vector<int64_t> draw_samples(int64_t size, int64_t count, uint64_t seed);
/// The same of the samples that fill whole batches of their class, from its first on; of all where `batch` is 0. Throws
/// InputError for a batch below 0, or that no class fills.
std::vector<int64_t> draw_samples(const SampleSource& samples, int64_t batch, int64_t count, uint64_t seed);

}  // namespace spikelens

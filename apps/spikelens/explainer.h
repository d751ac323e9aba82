#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/attribute/method.h"
#include "spikelens/attribute/probe.h"

#include "commands.h"
#include "run_directory.h"

namespace spikelens::app {

/// A run's network with what the methods asked for need, and nothing they do not need.
class Explainer {
  public:
    /// `spiking`: what the network is shown. Throws InputError for an unknown method, one that does not explain such input, and
    /// one that needs relevant filters or probes that the run does not have, or has of another model or other data.
    Explainer(const OpenRun& run, const std::vector<std::string>& methods, bool spiking, const Execution& execution,
              uint64_t seed);
    /// The same methods on another network of the same shape.
    Explainer(const Explainer& other, Network network, const Execution& execution, uint64_t seed);

    const std::vector<MethodSpec>& methods() const { return methods_; }
    const Simulator& simulator() const { return simulator_; }
    /// Raw attributions of one method, [N, C, H, W] or [N, T, C, H, W].
    FloatArray attributions(const MethodSpec& method, const Input& input, std::span<const int> targets,
                            std::span<const int64_t> samples) const;
    /// Maps [N, H, W] of one method.
    FloatArray maps(const MethodSpec& method, const Input& input, std::span<const int> targets,
                    std::span<const int64_t> samples) const;

  private:
    std::vector<MethodSpec> methods_;
    Surrogate surrogate_;
    std::unique_ptr<const Engine> engine_;
    std::shared_ptr<const RelevantFilters> relevant_;
    std::shared_ptr<const Probe> probe_;
    AttributionContext context_;
};

/// What an attribution by this method depends on besides the run's model and data and the seed: { "method", "surrogate" where
/// it needs gradients, "relevant" (a digest of the filters' identity), "probe" }.
nlohmann::json method_inputs(const OpenRun& run, const MethodSpec& method);

/// What is evaluated unless methods are named: the same families for images and for spikes.
std::vector<std::string> usual_methods(bool spiking);
/// What is shown of single samples unless methods are named, without what the run lacks (relevant filters; a line says so when
/// they are of another model or other data).
std::vector<std::string> shown_methods(const OpenRun& run, bool spiking, Console& console);

/// The same numbers for each row: softmax of scores.
std::vector<float> softmax(std::span<const float> scores);

/// `count` different indices below `size`, drawn by the seed, ascending; all when count is 0 or too large.
std::vector<int64_t> draw_samples(int64_t size, int64_t count, uint64_t seed);

}  // namespace spikelens::app

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spikelens/attribute/method.h"

#include "commands.h"
#include "run_directory.h"

namespace spikelens::app {

/// A run's network with what the methods asked for need, and nothing they do not need.
class Explainer {
  public:
    /// Throws InputError for an unknown method, and when one needs relevant filters that the run does not have.
    Explainer(const OpenRun& run, const std::vector<std::string>& methods, const Globals& globals);

    const std::vector<MethodSpec>& methods() const { return methods_; }
    const Simulator& simulator() const { return simulator_; }
    /// Maps [N, H, W] of one method.
    FloatArray maps(const MethodSpec& method, const FloatArray& images, std::span<const int> targets,
                    std::span<const int64_t> samples) const;

  private:
    std::vector<MethodSpec> methods_;
    Simulator simulator_;
    std::optional<GradientNetwork> gradient_;
    std::optional<RelevantFilters> relevant_;
    AttributionContext context_;
};

/// The same numbers for each row: softmax of scores.
std::vector<float> softmax(std::span<const float> scores);

/// `count` different indices below `size`, drawn by the seed, ascending; all when count is 0 or too large.
std::vector<int64_t> draw_samples(int64_t size, int64_t count, uint64_t seed);

}  // namespace spikelens::app

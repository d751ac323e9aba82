#include <algorithm>

#include "spikelens/core/parallel.h"

#include "gate_sweep.h"
#include "gradient_path.h"
#include "methods.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

/// The spikes of the first k of n windows of time; the last point is the recording.
Array<uint8_t> path_point(const Array<uint8_t>& spikes, int64_t k, int64_t steps) {
    Array<uint8_t> point = spikes;
    const int64_t kept = spikes.extent(1) * k / steps * element_count(std::span(spikes.shape).subspan(2));
    for (int64_t n = 0; n < point.extent(0); ++n) std::ranges::fill(point.row(n).subspan(kept), uint8_t{0});
    return point;
}

/// One step on the path is the gate attribution itself.
class Gate final : public AttributionMethod {
  public:
    Gate(std::string name, std::string title, std::string cost, Baseline baseline, int64_t steps)
        : baseline_(baseline), steps_(steps) {
        info_ = {
            .name = std::move(name),
            .title = std::move(title),
            .meaning =
                "signed: the pixel's share of the class score, every neuron taken as the gain (spikes / drive) it had",
            .cost = std::move(cost),
            .source = "Spikelens, no paper: gains n/D and one backward sweep",
            .unit = Unit::score,
            .signed_values = true,
            .on_spikes = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Input& input = request.input;
        return input.spiking() ? on_spikes(*context.engine, input.spikes, request.targets)
                               : on_images(*context.engine, input.images, request.targets);
    }

  private:
    /// (x − b) ⊙ mean of g_x over the path's points
    FloatArray on_images(const Engine& engine, const FloatArray& images, std::span<const int> targets) const {
        const FloatArray baseline = baseline_images(images, baseline_);
        const GateSweep sweep(engine.network());
        FloatArray result(images.shape);
        for (int64_t k = 1; k <= steps_; ++k) {
            const Input point = path_point(images, baseline, k, steps_);
            const Recording recording = engine.run(point, sweep.request());
            parallel_for(images.shape[0], engine.execution(), [&](int64_t n, int) {
                const std::vector<float> gain = sweep.input_gain(point, recording, n, targets[n]);
                const auto sum = result.row(n);
                for (size_t i = 0; i < gain.size(); ++i) sum[i] += gain[i];
            });
        }
        for (int64_t i = 0; i < images.size(); ++i) {
            result.data[i] *= (images.data[i] - baseline.data[i]) / static_cast<float>(steps_);
        }
        return result;
    }

    /// Spikes have no halves: point k has the first k windows of time, and Σ_k (Σ_t x_k − Σ_t x_{k−1}) ⊙ g(x_k).
    FloatArray on_spikes(const Engine& engine, const Array<uint8_t>& spikes, std::span<const int> targets) const {
        require_silence(info_.name, baseline_);
        const GateSweep sweep(engine.network());
        const Network& network = engine.network();
        FloatArray before({spikes.extent(0), network.channels, network.height, network.width}), result = before;
        for (int64_t k = 1; k <= steps_; ++k) {
            const Input point = path_point(spikes, k, steps_);
            const FloatArray counts = spikes_over_time(point.spikes);
            const Recording recording = engine.run(point, sweep.request());
            parallel_for(counts.shape[0], engine.execution(), [&](int64_t n, int) {
                const std::vector<float> gain = sweep.input_gain(point, recording, n, targets[n]);
                for (size_t i = 0; i < gain.size(); ++i)
                    result.row(n)[i] += gain[i] * (counts.row(n)[i] - before.row(n)[i]);
            });
            before = counts;
        }
        return result;
    }

    Baseline baseline_;
    int64_t steps_;
};

}  // namespace

MethodPointer make_gate(MethodOptions& options) {
    return std::make_unique<Gate>("gate", "Gate attribution: neurons as the gains they had",
                                  "1 forward and 1 sweep of linear maps",
                                  options.baseline("what shares are measured from; of spikes black, silence"), 1);
}

MethodPointer make_gate_path(MethodOptions& options) {
    const int64_t steps =
        options.integer("steps", 4, 1, 100000,
                        "points on the path from the baseline; of spikes windows of time, put in one after the other");
    const std::string passes = std::to_string(steps);
    return std::make_unique<Gate>("gate_path", "Gate attribution, averaged along the path from the baseline",
                                  passes + " forward and " + passes + " sweeps of linear maps",
                                  options.baseline("where the path begins; of spikes black, silence"), steps);
}

}  // namespace spikelens

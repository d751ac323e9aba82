#include "explain_again.h"
#include "metrics.h"

namespace spikelens {
namespace {

class InputStability final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "input_stability",
                                     .title = "Largest relative change of the map per relative change of the input",
                                     .direction = "lower",
                                     .range = "0 to infinity",
                                     .cost = "11 explanations",
                                     .source = "Agarwal et al., Rethinking Stability, 2022, Sec. 3"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        SensitivityOptions changes;
        changes.seed = options.seed;
        const auto cause = [](const Input& input) {
            if (!input.spiking()) return input.images;
            return FloatArray(input.spikes.shape, {input.spikes.data.begin(), input.spikes.data.end()});
        };
        return {
            relative_stability(explained.input, explained.samples, explain_again(context, explained), cause, changes),
            {}};
    }
};

}  // namespace

MetricPointer make_input_stability_metric() { return std::make_shared<InputStability>(); }

}  // namespace spikelens

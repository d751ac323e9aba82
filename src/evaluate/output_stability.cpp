#include "explain_again.h"
#include "metrics.h"

namespace spikelens {
namespace {

class OutputStability final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "output_stability",
                                     .title =
                                         "Largest relative change of the map per relative change of the class scores, "
                                         "of images that are not coded as spikes",
                                     .direction = "lower",
                                     .range = "0 to infinity",
                                     .cost = "11 explanations, 11 simulations",
                                     .source = "Agarwal et al., Rethinking Stability, 2022, Sec. 3",
                                     .input = MetricInput::pixels};
        return info;
    }

    /// A spike that moves seldom changes a score at all: the quotient would tell nothing but how small its divisor may
    /// be.
    bool applies_to(const MethodSpec&, const Input& input) const override { return !input.spiking(); }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        SensitivityOptions changes;
        changes.seed = options.seed;
        const auto cause = [&](const Input& input) { return context.model.engine->run(input).scores; };
        return {
            relative_stability(explained.input, explained.samples, explain_again(context, explained), cause, changes),
            {}};
    }
};

}  // namespace

MetricPointer make_output_stability_metric() { return std::make_shared<OutputStability>(); }

}  // namespace spikelens

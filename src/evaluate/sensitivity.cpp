#include "explain_again.h"
#include "metrics.h"

namespace spikelens {
namespace {

class Sensitivity final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "sensitivity",
                                     .title = "Largest relative change of the map under small changes of the input",
                                     .direction = "lower",
                                     .range = "0 to infinity",
                                     .cost = "11 explanations",
                                     .source = "Yeh, Hsieh, Suggala, Inouye, Ravikumar, NeurIPS 2019"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        SensitivityOptions changes;
        changes.seed = options.seed;
        return {sensitivity(explained.input, explained.samples, explain_again(context, explained), changes), {}};
    }
};

}  // namespace

MetricPointer make_sensitivity_metric() { return std::make_shared<Sensitivity>(); }

}  // namespace spikelens

#include <cmath>

#include "spikelens/evaluate/robustness.h"

#include "metrics.h"

namespace spikelens {
namespace {

class Randomisation final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "randomisation",
            .title =
                "Rank correlation with the map of the network whose fully connected weights are shuffled, without sign",
            .direction = "lower",
            .range = "0 to 1",
            .cost = "one explanation",
            .source = "Adebayo et al., NeurIPS 2018",
            .needs_shuffled = true};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions&) const override {
        const View view = explained.method.view;
        const AttributionRequest request{explained.input, explained.targets, explained.samples};
        const FloatArray shuffled = pixel_maps(explain(explained.method, context.shuffled, request), view);
        MetricResult result{rank_correlation(pixel_maps(explained.attribution, view), shuffled), {}};
        for (double& value : result.values) value = std::abs(value);
        return result;
    }
};

}  // namespace

MetricPointer make_randomisation_metric() { return std::make_shared<Randomisation>(); }

}  // namespace spikelens

#include "spikelens/attribute/completeness.h"

#include "metrics.h"

namespace spikelens {
namespace {

/// From the method's own baseline, whatever pixels are taken away to.
class CompletenessGap final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "completeness",
            .title = "Gap between what the map adds up to and what the score changed from the baseline",
            .direction = "lower",
            .range = "0 to infinity, in units of the class score",
            .cost = "one simulation",
            .source = "Sundararajan, Taly, Yan, ICML 2017"};
        return info;
    }

    bool applies_to(const MethodSpec& method, const Input& input) const override {
        return completeness_baseline(method, input).has_value();
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions&) const override {
        MetricResult result;
        const AttributionRequest request{explained.input, explained.targets, explained.samples};
        for (const Completeness& sample :
             own_completeness(explained.method, context.model, request, explained.attribution, explained.scores))
            result.values.push_back(sample.gap);
        return result;
    }
};

}  // namespace

MetricPointer make_completeness_metric() { return std::make_shared<CompletenessGap>(); }

}  // namespace spikelens

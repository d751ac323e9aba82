#include "metrics.h"
#include "mosaics.h"

namespace spikelens {
namespace {

class Focus final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "focus",
            .title =
                "Share of the positive values inside, where two of four samples in a mosaic are of the class explained",
            .direction = "higher",
            .range = "0 to 1, chance 0.5",
            .cost = "one explanation",
            .source = "Arias-Duart, Parés, Garcia-Gasulla, Giménez-Ábalos, FUZZ-IEEE 2022"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        const ExplainedMosaics mosaics = explain_mosaics(context, explained, "focus", options.seed);
        MetricResult result;
        for (int64_t n = 0; n < mosaics.maps.extent(0); ++n)
            result.values.push_back(share_inside(mosaics.maps.row(n), mosaics.places[n]));
        return result;
    }
};

}  // namespace

MetricPointer make_focus_metric() { return std::make_shared<Focus>(); }

}  // namespace spikelens

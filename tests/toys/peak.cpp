#include <algorithm>

#include "metrics.h"

namespace spikelens {
namespace {

class Peak final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "peak",
                                     .title = "Largest value of the map",
                                     .direction = "none",
                                     .range = "any",
                                     .cost = "none",
                                     .source = "an example"};
        return info;
    }

    MetricResult measure(const MetricContext&, const ExplainedSamples& explained, const MetricOptions&) const override {
        MetricResult result;
        for (int64_t n = 0; n < explained.attribution.extent(0); ++n)
            result.values.push_back(*std::ranges::max_element(explained.attribution.row(n)));
        return result;
    }
};

}  // namespace

MetricPointer make_peak_metric() { return std::make_shared<Peak>(); }

}  // namespace spikelens

#include <algorithm>
#include <cmath>

#include "metrics.h"

namespace spikelens {
namespace {

/// Gini's coefficient of |map|: Σ (2i − m − 1)·a_i / (m·Σ a), a ascending, i from 1. 0 for a map of zeros.
double gini(std::span<const float> map) {
    std::vector<double> sizes;
    for (const float value : map) sizes.push_back(std::abs(static_cast<double>(value)));
    std::ranges::sort(sizes);
    const auto count = static_cast<double>(sizes.size());
    double weighted = 0, sum = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
        weighted += (2.0 * static_cast<double>(i + 1) - count - 1) * sizes[i];
        sum += sizes[i];
    }
    return sum > 0 ? weighted / (count * sum) : 0;
}

class Sparseness final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "sparseness",
                                     .title = "How few pixels hold the map: Gini's coefficient of its absolute values",
                                     .direction = "higher",
                                     .range = "0 to 1",
                                     .cost = "none",
                                     .source = "Chalasani et al., ICML 2020, Sec. 4"};
        return info;
    }

    MetricResult measure(const MetricContext&, const ExplainedSamples& explained, const MetricOptions&) const override {
        MetricResult result;
        const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
        for (int64_t n = 0; n < maps.extent(0); ++n) result.values.push_back(gini(maps.row(n)));
        return result;
    }
};

}  // namespace

MetricPointer make_sparseness_metric() { return std::make_shared<Sparseness>(); }

}  // namespace spikelens

#include <cmath>

#include "metrics.h"

namespace spikelens {
namespace {

/// −Σ p ln p, p = |a|/Σ|a|. That of a map of zeros is the largest there is, as of one that is the same everywhere.
double entropy(std::span<const float> map) {
    double sum = 0, entropy = 0;
    for (const float value : map) sum += std::abs(static_cast<double>(value));
    if (sum == 0) return std::log(static_cast<double>(map.size()));
    for (const float value : map) {
        const double share = std::abs(static_cast<double>(value)) / sum;
        if (share > 0) entropy -= share * std::log(share);
    }
    return entropy;
}

class Complexity final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "complexity",
                                     .title = "Entropy of the shares that pixels have of the map's absolute values",
                                     .direction = "lower",
                                     .range = "0 to ln(pixels)",
                                     .cost = "none",
                                     .source = "Bhatt, Weller, Moura, IJCAI 2020, Sec. 3"};
        return info;
    }

    MetricResult measure(const MetricContext&, const ExplainedSamples& explained, const MetricOptions&) const override {
        MetricResult result;
        const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
        for (int64_t n = 0; n < maps.extent(0); ++n) result.values.push_back(entropy(maps.row(n)));
        return result;
    }
};

}  // namespace

MetricPointer make_complexity_metric() { return std::make_shared<Complexity>(); }

}  // namespace spikelens

#include "masks.h"
#include "metrics.h"

namespace spikelens {
namespace {

class EnergyInside final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "energy_inside",
                                     .title = "Share of the positive values that lies inside the sample's mask",
                                     .direction = "higher",
                                     .range = "0 to 1, chance the share of the mask",
                                     .cost = "none",
                                     .source = "Wang et al., Score-CAM, CVPR Workshops 2020",
                                     .needs_masks = true};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions&) const override {
        const auto places = masked_places(context, explained, "energy_inside");
        const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
        MetricResult result;
        for (int64_t n = 0; n < maps.extent(0); ++n) result.values.push_back(share_inside(maps.row(n), places[n]));
        return result;
    }
};

}  // namespace

MetricPointer make_energy_inside_metric() { return std::make_shared<EnergyInside>(); }

}  // namespace spikelens

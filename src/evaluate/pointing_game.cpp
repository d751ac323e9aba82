#include <limits>

#include "masks.h"
#include "metrics.h"

namespace spikelens {
namespace {

/// Whether the largest value lies inside; of several, the share of them that does.
double hit(std::span<const float> map, std::span<const Place> places) {
    float most = -std::numeric_limits<float>::infinity();
    double largest = 0, inside = 0;
    for (size_t i = 0; i < map.size(); ++i) {
        if (places[i] == Place::left_out || map[i] < most) continue;
        if (map[i] > most) most = map[i], largest = inside = 0;
        ++largest;
        if (places[i] == Place::inside) ++inside;
    }
    return inside / largest;
}

class PointingGame final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "pointing_game",
                                     .title =
                                         "Whether the largest value lies inside: the sample's mask, or without masks "
                                         "the two samples of the class in a mosaic of four",
                                     .direction = "higher",
                                     .range = "0 to 1, chance the share of the mask, in mosaics 0.5",
                                     .cost = "none, or without masks one explanation",
                                     .source = "Zhang et al., IJCV 126:1084, 2018; without tolerance"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        ExplainedMosaics shown;
        if (context.masks)
            shown = {pixel_maps(explained.attribution, explained.method.view),
                     masked_places(context, explained, "pointing_game")};
        else
            shown = explain_mosaics(context, explained, "pointing_game", options.seed);
        MetricResult result;
        for (int64_t n = 0; n < shown.maps.extent(0); ++n)
            result.values.push_back(hit(shown.maps.row(n), shown.places[n]));
        return result;
    }
};

}  // namespace

MetricPointer make_pointing_game_metric() { return std::make_shared<PointingGame>(); }

}  // namespace spikelens

#include <algorithm>
#include <cmath>
#include <numeric>

#include "spikelens/evaluate/robustness.h"

#include "attribute/noisy_copy.h"
#include "metrics.h"

namespace spikelens {
namespace {

constexpr int64_t kNoisyCopies = 50;
constexpr double kSigma = 0.1;
constexpr int64_t kBins = 100;

/// The explained samples, by this network, as their maps are ranked.
FloatArray maps_by(const AttributionContext& context, const ExplainedSamples& explained, const Input& input) {
    return pixel_maps(explain(explained.method, context, {input, explained.targets, explained.samples}),
                      explained.method.view);
}

/// The mean of the maps of noisy copies.
FloatArray smooth_maps(const AttributionContext& context, const ExplainedSamples& explained) {
    FloatArray mean;
    std::vector<double> sum;
    for (int64_t copy = 0; copy < kNoisyCopies; ++copy) {
        context.engine->execution().stop_if_cancelled();
        mean = maps_by(context, explained, noisy_copy(explained.input, explained.samples, copy, kSigma, context.seed));
        sum.resize(mean.data.size());
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += mean.data[i];
    }
    for (size_t i = 0; i < sum.size(); ++i) mean.data[i] = static_cast<float>(sum[i] / double{kNoisyCopies});
    return mean;
}

int weighted_layers(const Network& network) {
    return static_cast<int>(std::ranges::count_if(network.layers, [](const Layer& layer) { return layer.weighted(); }));
}

/// The model with the weights of its last layers drawn anew, while `use` needs it.
template <class Use>
void with_drawn(const MetricContext& context, int layers, uint64_t seed, const Use& use) {
    const auto engine = context.engine_of(randomise_last(context.model.engine->network(), layers, seed));
    AttributionContext drawn = context.model;
    drawn.engine = engine.get();
    use(drawn);
}

class Mprt final : public Metric {
  public:
    explicit Mprt(bool smooth) : smooth_(smooth) {
        info_ = {
            .name = smooth ? "smprt" : "mprt",
            .title =
                "Rank correlation with the map of the network whose layers are drawn anew from the last to the first, "
                "without sign, mean over the layers",
            .direction = "lower",
            .range = "0 to 1",
            .cost = "one explanation per layer",
            .source = "Adebayo et al., NeurIPS 2018"};
        if (!smooth) return;
        info_.title = "mprt of maps that are the mean over 50 noisy copies of the input";
        info_.cost = "50 explanations, and 50 per layer";
        info_.source = "Hedström, Weber, Lapuschkin, Höhne, XAI in Action at NeurIPS 2023";
    }
    const MetricInfo& info() const override { return info_; }

    /// The curve: after one layer, after two, …, after all.
    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        const int layers = weighted_layers(context.model.engine->network());
        const auto count = static_cast<int64_t>(explained.samples.size());
        const FloatArray maps =
            smooth_ ? smooth_maps(context.model, explained) : pixel_maps(explained.attribution, explained.method.view);
        MetricResult result{std::vector<double>(count), FloatArray({count, layers})};
        for (int last = 1; last <= layers; ++last)
            with_drawn(context, last, options.seed, [&](const AttributionContext& drawn) {
                const FloatArray changed =
                    smooth_ ? smooth_maps(drawn, explained) : maps_by(drawn, explained, explained.input);
                const std::vector<double> ranks = rank_correlation(maps, changed);
                for (int64_t n = 0; n < count; ++n) {
                    result.values[n] += std::abs(ranks[n]) / layers;
                    result.curves.row(n)[last - 1] = static_cast<float>(std::abs(ranks[n]));
                }
            });
        return result;
    }

  private:
    bool smooth_;
    MetricInfo info_;
};

/// Of the histogram of a map in 100 equal bins from its lowest to its highest value; 0 of a constant map.
double entropy(std::span<const float> map) {
    const auto [low, high] = std::ranges::minmax(map);
    if (!(high > low)) return 0;
    std::vector<int64_t> bins(kBins);
    for (const float value : map) {
        const double place = (double{value} - low) / (double{high} - low) * double{kBins};
        ++bins[std::min<int64_t>(kBins - 1, static_cast<int64_t>(place))];
    }
    double sum = 0;
    for (const int64_t bin : bins) {
        const double share = static_cast<double>(bin) / static_cast<double>(map.size());
        if (bin > 0) sum -= share * std::log(share);
    }
    return sum;
}

class EMprt final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "emprt",
            .title = "By what share the entropy of the map's histogram rises when all weights are drawn anew",
            .direction = "higher",
            .range = "-1 to infinity",
            .cost = "one explanation",
            .source = "Hedström, Weber, Lapuschkin, Höhne, XAI in Action at NeurIPS 2023"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
        MetricResult result;
        const int all = weighted_layers(context.model.engine->network());
        with_drawn(context, all, options.seed, [&](const AttributionContext& drawn) {
            const FloatArray changed = maps_by(drawn, explained, explained.input);
            for (int64_t n = 0; n < maps.extent(0); ++n) {
                const double before = entropy(maps.row(n));
                result.values.push_back(before > 0 ? (entropy(changed.row(n)) - before) / before : 0);
            }
        });
        return result;
    }
};

}  // namespace

MetricPointer make_mprt_metric() { return std::make_shared<Mprt>(false); }

MetricPointer make_smprt_metric() { return std::make_shared<Mprt>(true); }

MetricPointer make_emprt_metric() { return std::make_shared<EMprt>(); }

}  // namespace spikelens

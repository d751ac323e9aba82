#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/robustness.h"

#include "metrics.h"

namespace spikelens {
namespace {

/// Any class but this one.
int other_class(int target, int64_t classes, uint64_t seed, int64_t sample) {
    const double uniform = random_uniform(seed, Stream::other_class, {static_cast<uint64_t>(sample)});
    const auto drawn = static_cast<int>(uniform * static_cast<double>(classes - 1));
    return drawn < target ? drawn : drawn + 1;
}

class RandomLogit final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "random_logit",
                                     .title = "Rank correlation with the map of another class, drawn for each sample",
                                     .direction = "lower",
                                     .range = "-1 to 1",
                                     .cost = "one explanation",
                                     .source = "Sixt, Granz, Landgraf, ICML 2020, Sec. 5"};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        if (explained.scores.extent(1) < 2)
            throw InputError(
                "the metric random_logit needs a network of two classes or more, and this one has a single class");
        std::vector<int> others;
        for (size_t n = 0; n < explained.samples.size(); ++n)
            others.push_back(
                other_class(explained.targets[n], explained.scores.extent(1), options.seed, explained.samples[n]));
        const FloatArray maps = explain(explained.method, context.model, {explained.input, others, explained.samples});
        const View view = explained.method.view;
        return {rank_correlation(pixel_maps(explained.attribution, view), pixel_maps(maps, view)), {}};
    }
};

}  // namespace

MetricPointer make_random_logit_metric() { return std::make_shared<RandomLogit>(); }

}  // namespace spikelens

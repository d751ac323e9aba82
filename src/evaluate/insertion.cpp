#include "metrics.h"
#include "perturb_explained.h"

namespace spikelens {
namespace {

class Insertion final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "insertion",
                                     .title = "Insertion: area under the probability as the best pixels appear",
                                     .direction = "higher",
                                     .range = "0 to 1",
                                     .cost = "one simulation a step, and one more",
                                     .source = "Petsiuk, Das, Saenko: RISE, BMVC 2018, Sec. 4.1",
                                     .input = MetricInput::pixels};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        return perturb_pixels(Perturbation::insertion, context, explained, options);
    }
};

}  // namespace

MetricPointer make_insertion_metric() { return std::make_shared<Insertion>(); }

}  // namespace spikelens

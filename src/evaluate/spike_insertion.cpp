#include "metrics.h"
#include "perturb_explained.h"

namespace spikelens {
namespace {

class SpikeInsertion final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "spike_insertion",
                                     .title = "Area under the probability as the best spikes appear in silence",
                                     .direction = "higher",
                                     .range = "0 to 1",
                                     .cost = "one simulation a step, and one more",
                                     .source = "Petsiuk, Das, Saenko: RISE, BMVC 2018, on single spikes",
                                     .input = MetricInput::spikes};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        return perturb_places(Perturbation::insertion, context, explained, options);
    }
};

}  // namespace

MetricPointer make_spike_insertion_metric() { return std::make_shared<SpikeInsertion>(); }

}  // namespace spikelens

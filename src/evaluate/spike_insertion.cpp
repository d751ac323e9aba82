#include "metrics.h"
#include "perturb_explained.h"

namespace spikelens {

MetricPointer make_spike_insertion_metric() {
    return curve_metric({.name = "spike_insertion",
                         .title = "Area under the probability as the best spikes appear in silence",
                         .direction = "higher",
                         .range = "0 to 1",
                         .cost = "one simulation a step, and one more",
                         .source = "Petsiuk, Das, Saenko: RISE, BMVC 2018, on single spikes",
                         .input = MetricInput::spikes},
                        perturb_places, Perturbation::insertion);
}

}  // namespace spikelens

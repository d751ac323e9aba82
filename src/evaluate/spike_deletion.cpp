#include "metrics.h"
#include "perturb_explained.h"

namespace spikelens {

MetricPointer make_spike_deletion_metric() {
    return curve_metric({.name = "spike_deletion",
                         .title = "Area under the probability as the best spikes disappear",
                         .direction = "lower",
                         .range = "0 to 1",
                         .cost = "one simulation a step, and one more",
                         .source = "Petsiuk, Das, Saenko: RISE, BMVC 2018, on single spikes",
                         .input = MetricInput::spikes},
                        perturb_places, Perturbation::deletion);
}

}  // namespace spikelens

#include "metrics.h"
#include "perturb_explained.h"

namespace spikelens {

MetricPointer make_insertion_metric() {
    return curve_metric({.name = "insertion",
                         .title = "Insertion: area under the probability as the best pixels appear",
                         .direction = "higher",
                         .range = "0 to 1",
                         .cost = "one simulation a step, and one more",
                         .source = "Petsiuk, Das, Saenko: RISE, BMVC 2018, Sec. 4.1",
                         .input = MetricInput::pixels},
                        perturb_pixels, Perturbation::insertion);
}

}  // namespace spikelens

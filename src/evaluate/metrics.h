#pragma once

#include "spikelens/evaluate/metric.h"

/// Every metric, in the order of tables: one line each, and a file <name>.cpp beside this one that defines
/// make_<name>_metric().
#define SPIKELENS_METRICS(metric)                                                                                   \
    metric(insertion) metric(deletion) metric(road) metric(irof) metric(spike_insertion) metric(spike_deletion)     \
        metric(spike_retiming) metric(faithfulness_correlation) metric(sensitivity_n) metric(infidelity)            \
            metric(sensitivity) metric(input_stability) metric(output_stability) metric(randomisation) metric(mprt) \
                metric(smprt) metric(emprt) metric(random_logit) metric(focus) metric(pointing_game)                \
                    metric(energy_inside) metric(completeness) metric(sparseness) metric(complexity)

namespace spikelens {

#define SPIKELENS_DECLARE_METRIC(name) MetricPointer make_##name##_metric();
SPIKELENS_METRICS(SPIKELENS_DECLARE_METRIC)
#undef SPIKELENS_DECLARE_METRIC

}  // namespace spikelens

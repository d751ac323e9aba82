#pragma once

#include "spikelens/evaluate/metric.h"

/// Every metric, in the order of tables: one line each, and a file <name>.cpp beside this one that defines
/// make_<name>_metric().
#define SPIKELENS_METRICS(metric)                                                                         \
    metric(insertion) metric(deletion) metric(spike_insertion) metric(spike_deletion) metric(sensitivity) \
        metric(randomisation) metric(completeness)

namespace spikelens {

#define SPIKELENS_DECLARE_METRIC(name) MetricPointer make_##name##_metric();
SPIKELENS_METRICS(SPIKELENS_DECLARE_METRIC)
#undef SPIKELENS_DECLARE_METRIC

}  // namespace spikelens

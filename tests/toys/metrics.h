#pragma once

#include "evaluate/metrics.h"

// The list of src/evaluate/metrics.h with the toy in it, and of the others those that its conformance tests name.
#undef SPIKELENS_METRICS
#define SPIKELENS_METRICS(metric) \
    metric(insertion) metric(deletion) metric(spike_insertion) metric(spike_deletion) metric(sensitivity) metric(peak)

namespace spikelens {

MetricPointer make_peak_metric();

}  // namespace spikelens

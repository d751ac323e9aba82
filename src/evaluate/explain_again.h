#pragma once

#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/robustness.h"

namespace spikelens {

/// Maps of other inputs, explained as these samples were; refers to both.
inline MapFunction explain_again(const MetricContext& context, const ExplainedSamples& explained) {
    return [&](const Input& input) {
        return pixel_maps(explain(explained.method, context.model, {input, explained.targets, explained.samples}),
                          explained.method.view);
    };
}

}  // namespace spikelens

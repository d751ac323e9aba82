#pragma once

#include "spikelens/evaluate/metric.h"
#include "spikelens/evaluate/perturbation.h"

namespace spikelens {

/// perturb() of explained samples: of images as they are all at once, of coded images one sample at a time, since a
/// random coder draws for each sample alone.
MetricResult perturb_pixels(Perturbation kind, const MetricContext& context, const ExplainedSamples& explained,
                            const MetricOptions& options);

/// perturb_spikes() of explained samples.
MetricResult perturb_places(Perturbation kind, const MetricContext& context, const ExplainedSamples& explained,
                            const MetricOptions& options);

/// One of the two as a metric.
MetricPointer curve_metric(const MetricInfo& info, decltype(&perturb_pixels) perturb, Perturbation kind);

}  // namespace spikelens

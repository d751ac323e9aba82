#include "perturb_explained.h"

#include <utility>

#include "spikelens/evaluate/spike_perturbation.h"

namespace spikelens {
namespace {

class CurveMetric final : public Metric {
  public:
    CurveMetric(MetricInfo info, decltype(&perturb_pixels) perturb, Perturbation kind)
        : info_(std::move(info)), perturb_(perturb), kind_(kind) {}

    const MetricInfo& info() const override { return info_; }
    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        return perturb_(kind_, context, explained, options);
    }

  private:
    MetricInfo info_;
    decltype(&perturb_pixels) perturb_;
    Perturbation kind_;
};

}  // namespace

MetricPointer curve_metric(const MetricInfo& info, decltype(&perturb_pixels) perturb, Perturbation kind) {
    return std::make_shared<CurveMetric>(info, perturb, kind);
}

MetricResult perturb_pixels(Perturbation kind, const MetricContext& context, const ExplainedSamples& explained,
                            const MetricOptions& options) {
    const FloatArray images = context.images(explained.samples),
                     maps = pixel_maps(explained.attribution, explained.method.view);
    const Engine& engine = *context.model.engine;
    PerturbationOptions pixels;
    pixels.baseline = options.baseline;
    if (kind == Perturbation::insertion) pixels.baseline = options.insertion_baseline.value_or(options.baseline);
    pixels.pixels_per_step = options.pixels_per_step;
    pixels.seed = options.seed;
    if (!context.shown) {
        const auto score = [&](const FloatArray& perturbed) { return engine.run(perturbed).scores; };
        return perturb(kind, images, maps, explained.targets, explained.samples, score, pixels);
    }
    MetricResult all;
    for (size_t i = 0; i < explained.samples.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        const auto score = [&](const FloatArray& perturbed) {
            return engine.run(context.shown(perturbed, explained.samples[i])).scores;
        };
        append(all, perturb(kind, images.rows(n, 1), maps.rows(n, 1), explained.targets.subspan(i, 1),
                            explained.samples.subspan(i, 1), score, pixels));
    }
    return all;
}

MetricResult perturb_places(Perturbation kind, const MetricContext& context, const ExplainedSamples& explained,
                            const MetricOptions& options) {
    const Array<uint8_t>& spikes = explained.input.spikes;
    const auto score = [&](const Array<uint8_t>& perturbed) { return context.model.engine->run(perturbed).scores; };
    SpikePerturbationOptions places;
    places.steps = options.spike_steps;
    places.seed = options.seed;
    return perturb_spikes(kind, spikes, spike_scores(explained.attribution, explained.method.view, spikes.shape),
                          explained.targets, explained.samples, score, places);
}

}  // namespace spikelens

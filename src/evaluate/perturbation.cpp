#include "spikelens/evaluate/perturbation.h"

#include "spikelens/core/error.h"

#include "curves.h"

namespace spikelens {
namespace {

void check_request(const ArrayView<float>& images, const ArrayView<float>& maps, size_t targets, size_t samples,
                   const PerturbationOptions& options) {
    if (images.shape.size() != 4 || images.row_size() == 0)
        throw InputError("perturbation needs images [N, C, H, W], not of shape " + shape_text(images.shape));
    const Shape expected{images.extent(0), images.extent(2), images.extent(3)};
    if (maps.shape != expected)
        throw InputError("the maps have shape " + shape_text(maps.shape) + ", but the images need " +
                         shape_text(expected));
    check_counts(images.extent(0), targets, samples, "image");
    if (options.pixels_per_step < 0) throw InputError("the pixels per step must not be negative");
    if (options.max_batch < 1) throw InputError("the batch of perturbed images must be positive");
}

// Batches of images of this shape, for a function that scores arrays.
BatchScorer<float>::Score score_images(const ScoreFunction& score, Shape shape) {
    return [&score, shape = std::move(shape)](std::span<const float> values, int64_t count) mutable {
        shape[0] = count;
        return score(FloatArray(shape, {values.begin(), values.end()}));
    };
}

}  // namespace

MetricResult perturb(Perturbation kind, const ArrayView<float>& images, const ArrayView<float>& maps,
                     std::span<const int> targets, std::span<const int64_t> samples, const ScoreFunction& score,
                     const PerturbationOptions& options) {
    check_request(images, maps, targets.size(), samples.size(), options);
    const int64_t pixels = images.extent(2) * images.extent(3);
    const int64_t step = options.pixels_per_step == 0 ? images.extent(3) : options.pixels_per_step;
    const int64_t steps = (pixels + step - 1) / step;
    const FloatArray removed = baseline_images(images, options.baseline);
    const bool insertion = kind == Perturbation::insertion;
    const ArrayView<float> from = insertion ? removed : images, to = insertion ? images : removed;

    BatchScorer<float> scorer(score_images(score, images.shape), targets, options.max_batch, "image");
    for (int64_t n = 0; n < images.extent(0); ++n) {
        Series<float> series(from.row(n), to.row(n), ranking(maps.row(n), options.seed, samples[n]), pixels);
        for (int64_t k = 0; k <= steps; ++k) {
            series.advance_to(k * step);
            scorer.add(series.input(), targets[n]);
        }
    }
    return collect_curves(scorer.finish(), images.extent(0), steps + 1);
}

}  // namespace spikelens

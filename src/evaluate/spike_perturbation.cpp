#include "spikelens/evaluate/spike_perturbation.h"

#include <cmath>
#include <string>

#include "spikelens/core/error.h"

#include "curves.h"
#include "ranking.h"

namespace spikelens {
namespace {

void check_request(const Array<uint8_t>& spikes, const FloatArray& scores, size_t targets, size_t samples,
                   const SpikePerturbationOptions& options) {
    const bool fits = spikes.shape.size() == 5 && spikes.row_size() > 0;
    if (!fits)
        throw InputError("spike perturbation needs spikes [N, T, C, H, W], not of shape " + shape_text(spikes.shape));
    if (scores.shape != spikes.shape)
        throw InputError("the spike scores have shape " + shape_text(scores.shape) + ", but the spikes have " +
                         shape_text(spikes.shape));
    check_counts(spikes.extent(0), targets, samples, "input");
    if (options.steps < 1)
        throw InputError("spike perturbation needs at least 1 step, not " + std::to_string(options.steps));
    if (options.max_batch < 1) throw InputError("the batch of perturbed inputs must be positive");
}

// Batches of recordings of this shape, for a function that scores arrays.
BatchScorer<uint8_t>::Score score_spikes(const SpikeScoreFunction& score, Shape shape) {
    return [&score, shape = std::move(shape)](std::span<const uint8_t> values, int64_t count) mutable {
        shape[0] = count;
        return score(Array<uint8_t>(shape, {values.begin(), values.end()}));
    };
}

std::vector<int64_t> ranked_spikes(std::span<const uint8_t> spikes, std::span<const float> scores, uint64_t seed,
                                   int64_t sample) {
    std::vector<int64_t> places;
    for (size_t i = 0; i < spikes.size(); ++i) {
        if (std::isnan(scores[i]))
            throw InputError("the spike scores of sample " + std::to_string(sample) +
                             " have no number (NaN) at place " + std::to_string(i));
        if (spikes[i] != 0) places.push_back(static_cast<int64_t>(i));
    }
    return rank_places(scores, places, seed, sample);
}

}  // namespace

MetricResult perturb_spikes(Perturbation kind, const Array<uint8_t>& spikes, const FloatArray& scores,
                            std::span<const int> targets, std::span<const int64_t> samples,
                            const SpikeScoreFunction& score, const SpikePerturbationOptions& options) {
    check_request(spikes, scores, targets.size(), samples.size(), options);
    const bool insertion = kind == Perturbation::insertion;
    const std::vector<uint8_t> none(spikes.row_size());
    const std::span<const uint8_t> silence(none);
    BatchScorer<uint8_t> scorer(score_spikes(score, spikes.shape), targets, options.max_batch, "input");
    for (int64_t n = 0; n < spikes.extent(0); ++n) {
        const auto all = spikes.row(n);
        const auto order = ranked_spikes(all, scores.row(n), options.seed, samples[n]);
        const auto places = static_cast<int64_t>(order.size());
        Series<uint8_t> series(insertion ? silence : all, insertion ? all : silence, order,
                               static_cast<int64_t>(all.size()));
        for (int64_t j = 0; j <= options.steps; ++j) {
            series.advance_to((j * places + options.steps - 1) / options.steps);
            scorer.add(series.input(), targets[n]);
        }
    }
    return collect_curves(scorer.finish(), spikes.extent(0), options.steps + 1);
}

}  // namespace spikelens

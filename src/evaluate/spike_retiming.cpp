#include <algorithm>
#include <cmath>
#include <limits>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"

#include "attribute/spike_copies.h"
#include "metrics.h"
#include "ranking.h"

namespace spikelens {
namespace {

constexpr double kShare = 0.1;
constexpr int64_t kDistance = 2;

/// The recording with the spikes of these places moved by two steps (by all there are between two steps), either way
/// with equal chance, the only way there is at the ends. Places add their spikes up; one whose goal would pass 255
/// stays.
void retime(std::span<uint8_t> spikes, int64_t steps, std::span<const int64_t> places, uint64_t seed, uint64_t sample) {
    const int64_t per_step = static_cast<int64_t>(spikes.size()) / steps, distance = std::min(kDistance, steps - 1);
    const std::vector<uint8_t> before(spikes.begin(), spikes.end());
    for (const int64_t from : places) {
        const int64_t step = from / per_step;
        const bool early = step < distance, late = step + distance >= steps;
        const bool drawn = random_uniform(seed, Stream::retiming, {sample, static_cast<uint64_t>(from)}) < 0.5;
        if (early && late) continue;
        const int64_t to = from + (early || (!late && drawn) ? distance : -distance) * per_step;
        if (int{spikes[to]} + before[from] > std::numeric_limits<uint8_t>::max()) continue;
        spikes[from] = static_cast<uint8_t>(spikes[from] - before[from]);
        spikes[to] = static_cast<uint8_t>(spikes[to] + before[from]);
    }
}

class SpikeRetiming final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{.name = "spike_retiming",
                                     .title =
                                         "How much further the score falls when the best tenth of the spikes moves in "
                                         "time than when a random one does",
                                     .direction = "higher",
                                     .range = "any, in units of the class score",
                                     .cost = "2 simulations",
                                     .source = "Spikelens, docs/methods.md",
                                     .input = MetricInput::spikes};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        const Array<uint8_t>& spikes = explained.input.spikes;
        if (spikes.extent(1) < 2) throw InputError("spike_retiming moves spikes in time, but these have a single step");
        const FloatArray scores = spike_scores(explained.attribution, explained.method.view, spikes.shape);
        Array<uint8_t> best = spikes, chance = spikes;
        for (int64_t n = 0; n < spikes.extent(0); ++n) {
            const std::vector<int64_t> places = spike_places(spikes.row(n));
            const int64_t sample = explained.samples[n];
            const auto address = static_cast<uint64_t>(sample);
            const auto count = static_cast<int64_t>(std::ceil(kShare * static_cast<double>(places.size())));
            const auto ranked = rank_places(scores.row(n), places, options.seed, sample);
            retime(best.row(n), spikes.extent(1), std::span(ranked).first(count), options.seed, address);
            const auto order =
                random_permutation(static_cast<int64_t>(places.size()), options.seed, Stream::retiming, {address});
            std::vector<int64_t> drawn;
            for (int64_t i = 0; i < count; ++i) drawn.push_back(places[order[i]]);
            retime(chance.row(n), spikes.extent(1), drawn, options.seed, address);
        }
        const FloatArray of_best = context.model.engine->run(best).scores,
                         of_chance = context.model.engine->run(chance).scores;
        MetricResult result;
        for (int64_t n = 0; n < spikes.extent(0); ++n)
            result.values.push_back(double{of_chance.row(n)[explained.targets[n]]} -
                                    of_best.row(n)[explained.targets[n]]);
        return result;
    }
};

}  // namespace

MetricPointer make_spike_retiming_metric() { return std::make_shared<SpikeRetiming>(); }

}  // namespace spikelens

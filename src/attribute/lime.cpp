#include <algorithm>
#include <cmath>

#include "spikelens/core/random.h"
#include "spikelens/snn/decision.h"

#include "methods.h"
#include "ridge.h"
#include "spike_copies.h"
#include "superpixels.h"

namespace spikelens {
namespace {

constexpr double kKernelWidth = 0.25;
constexpr double kRidgePenalty = 1;

/// Which segments are on in each draw: Bernoulli(1/2), addressed by (seed, sample, draw).
Array<uint8_t> draw_switches(uint64_t seed, int64_t sample, int64_t draws, int segments) {
    Array<uint8_t> on({draws, segments});
    for (int64_t k = 0; k < draws; ++k) {
        uint64_t bits = 0;
        for (int s = 0; s < segments; ++s, bits >>= 1) {
            if (s % 64 == 0)
                bits = random_bits(
                    seed, Stream::masks,
                    {static_cast<uint64_t>(sample), static_cast<uint64_t>(k), static_cast<uint64_t>(s / 64)});
            on.row(k)[s] = bits & 1;
        }
    }
    return on;
}

/// exp(−d²/σ²) of the cosine distance to all segments on, d = 1 − √(share that is on).
double proximity(std::span<const uint8_t> on) {
    const auto lit = static_cast<double>(std::ranges::count(on, uint8_t{1}));
    const double distance = 1 - std::sqrt(lit / static_cast<double>(on.size()));
    return std::exp(-distance * distance / (kKernelWidth * kKernelWidth));
}

class Lime final : public AttributionMethod {
  public:
    explicit Lime(MethodOptions& options)
        : segments_(options.integer("segments", 50, 1, 4096, "so many at most")),
          samples_(options.integer("samples", 1000, 1, 1000000, "random choices of segments that are shown")),
          baseline_(options.baseline("what a segment switched off shows; of spikes black, silence")) {
        info_ = {
            .name = "lime",
            .title = "LIME: a linear model of segments switched off",
            .meaning =
                "signed: what showing the pixel's segment adds to the softmax probability of the class, in a ridge "
                "regression; segments are superpixels (SLIC) of images, cells of a grid of spikes",
            .cost = std::to_string(samples_) + " forward",
            .source = "Ribeiro, Singh, Guestrin, KDD 2016; SLIC: Achanta et al., PAMI 2012",
            .unit = Unit::probability,
            .signed_values = true,
            .on_spikes = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        const Network& network = context.engine->network();
        const Input& input = request.input;
        if (input.spiking()) require_silence(info_.name, baseline_);
        const FloatArray baseline = input.spiking() ? FloatArray() : baseline_images(input.images, baseline_);
        FloatArray maps({input.samples(), 1, network.height, network.width});
        for (int64_t n = 0; n < input.samples(); ++n) {
            const Superpixels segments = input.spiking()
                                             ? grid_superpixels(network.height, network.width, segments_)
                                             : slic_superpixels(input.images.row(n), network.input_shape(), segments_);
            const Array<uint8_t> on = draw_switches(context.seed, request.samples[n], samples_, segments.count);
            const FloatArray scores =
                input.spiking() ? scores_of_spikes(*context.engine, input.spikes.sub(n), segments, on)
                                : scores_of_image(*context.engine, input.images, baseline.row(n), n, segments, on);
            const std::vector<double> share =
                explain_scores(on, scores, request.targets[n], context.engine->execution());
            for (size_t p = 0; p < segments.segment.size(); ++p)
                maps.row(n)[p] = static_cast<float>(share[segments.segment[p]]);
        }
        return maps;
    }

  private:
    static std::vector<double> explain_scores(const Array<uint8_t>& on, const FloatArray& scores, int target,
                                              const Execution& execution) {
        std::vector<double> response, weight;
        for (int64_t k = 0; k < on.shape[0]; ++k) {
            response.push_back(softmax_probability(scores.row(k), target));
            weight.push_back(proximity(on.row(k)));
        }
        return weighted_ridge(on, response, weight, kRidgePenalty, execution);
    }

    static FloatArray scores_of_image(const Engine& engine, const FloatArray& images, std::span<const float> baseline,
                                      int64_t n, const Superpixels& segments, const Array<uint8_t>& on) {
        const auto image = images.row(n);
        const auto pixels = static_cast<int64_t>(segments.segment.size());
        const int64_t at_once = copies_at_once(static_cast<int64_t>(image.size_bytes()));
        FloatArray scores({on.shape[0], engine.network().class_count()});
        for (int64_t first = 0; first < on.shape[0]; first += at_once) {
            Shape shape = images.shape;
            shape[0] = std::min(at_once, on.shape[0] - first);
            FloatArray copies(shape);
            for (int64_t i = 0; i < copies.size(); ++i) {
                const int64_t k = i / copies.row_size(), place = i % copies.row_size();
                const bool shown = on.row(first + k)[segments.segment[place % pixels]];
                copies.data[i] = shown ? image[place] : baseline[place];
            }
            std::ranges::copy(engine.run(copies).scores.data, scores.row(first).begin());
        }
        return scores;
    }

    static FloatArray scores_of_spikes(const Engine& engine, const ArrayView<uint8_t>& recording,
                                       const Superpixels& segments, const Array<uint8_t>& on) {
        const std::vector<int64_t> places = spike_places(recording.data);
        const auto pixels = static_cast<int64_t>(segments.segment.size());
        return scores_without(engine, recording, on.shape[0], [&](int64_t k) {
            std::vector<int64_t> hidden;
            for (int64_t place : places) {
                if (!on.row(k)[segments.segment[place % pixels]]) hidden.push_back(place);
            }
            return hidden;
        });
    }

    int64_t segments_, samples_;
    Baseline baseline_;
};

}  // namespace

MethodPointer make_lime(MethodOptions& options) { return std::make_unique<Lime>(options); }

}  // namespace spikelens

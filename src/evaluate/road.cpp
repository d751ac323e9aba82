#include <algorithm>

#include "spikelens/core/random.h"
#include "spikelens/evaluate/perturbation.h"
#include "spikelens/snn/decision.h"

#include "impute.h"
#include "metrics.h"
#include "pieces.h"

namespace spikelens {
namespace {

constexpr int64_t kParts = 10;  ///< a tenth of the pixels more at each step
constexpr double kNoise = 0.01;

/// The image without the first pixels of an order: filled from their neighbours, with noise, within the image's own
/// range.
FloatArray without(const FloatArray& image, std::span<const int64_t> pixels, uint64_t seed, int64_t sample) {
    FloatArray result = image;
    const int64_t height = image.extent(2), width = image.extent(3);
    std::vector<uint8_t> removed(height * width);
    for (const int64_t pixel : pixels) removed[pixel] = 1;
    const auto [lowest, highest] = std::ranges::minmax(image.data);
    for (int64_t c = 0; c < image.extent(1); ++c) {
        const auto plane = std::span(result.data).subspan(c * height * width, height * width);
        impute(plane, height, width, removed);
        for (const int64_t pixel : pixels) {
            const double noise = random_normal(
                seed, Stream::imputation,
                {static_cast<uint64_t>(sample), static_cast<uint64_t>(c), static_cast<uint64_t>(pixel), pixels.size()});
            plane[pixel] = std::clamp(static_cast<float>(plane[pixel] + kNoise * noise), lowest, highest);
        }
    }
    return result;
}

class Road final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "road",
            .title =
                "How much longer the class holds when the worst pixels are filled in first, than when the best are",
            .direction = "higher",
            .range = "-1 to 1",
            .cost = "18 simulations",
            .source = "Rong, Leemann, Borisov, Kasneci, Kasneci, ICML 2022",
            .input = MetricInput::pixels};
        return info;
    }

    /// A value is the mean over 10, 20, …, 90 % of the pixels of [still the class explained], worst first less best
    /// first.
    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions& options) const override {
        MetricResult result;
        const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
        for (size_t i = 0; i < explained.samples.size(); ++i) {
            const auto n = static_cast<int64_t>(i);
            const int64_t sample = explained.samples[i];
            std::vector<int64_t> order = ranking(maps.row(n), options.seed, sample);
            const FloatArray image = context.images(explained.samples.subspan(i, 1));
            FloatArray versions;
            const auto fill_in_parts = [&] {
                for (int64_t part = 1; part < kParts; ++part) {
                    const auto count = static_cast<size_t>(part * static_cast<int64_t>(order.size()) / kParts);
                    versions.append(without(image, std::span(order).first(count), options.seed, sample));
                }
            };
            fill_in_parts();
            std::ranges::reverse(order);
            fill_in_parts();
            result.values.push_back(gain(image_scores(context, versions, sample), explained.targets[i]));
        }
        return result;
    }

  private:
    /// From the scores of best first, then of worst first.
    static double gain(const FloatArray& scores, int target) {
        double gain = 0;
        const std::vector<int> decided = decisions(scores);
        for (size_t v = 0; v < decided.size(); ++v)
            if (decided[v] == target) gain += v < kParts - 1 ? -1 : 1;
        return gain / (kParts - 1);
    }
};

}  // namespace

MetricPointer make_road_metric() { return std::make_shared<Road>(); }

}  // namespace spikelens

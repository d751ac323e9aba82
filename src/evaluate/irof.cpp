#include <algorithm>

#include "spikelens/evaluate/perturbation.h"
#include "spikelens/snn/decision.h"

#include "attribute/superpixels.h"
#include "metrics.h"
#include "pieces.h"

namespace spikelens {
namespace {

constexpr int64_t kSegments = 50;

/// The pixels of each segment, the segment with the highest mean of the map first; equal ones by their number.
std::vector<std::vector<int64_t>> ranked_segments(const Superpixels& segments, std::span<const float> map) {
    std::vector<std::vector<int64_t>> pixels(segments.count);
    std::vector<double> means(segments.count);
    for (size_t p = 0; p < map.size(); ++p) {
        pixels[segments.segment[p]].push_back(static_cast<int64_t>(p));
        means[segments.segment[p]] += map[p];
    }
    std::vector<int> order(segments.count);
    for (int s = 0; s < segments.count; ++s) {
        order[s] = s;
        means[s] /= static_cast<double>(pixels[s].size());
    }
    std::ranges::stable_sort(order, [&](int a, int b) { return means[a] > means[b]; });
    std::vector<std::vector<int64_t>> ranked;
    for (const int s : order) ranked.push_back(std::move(pixels[s]));
    return ranked;
}

class Irof final : public Metric {
  public:
    const MetricInfo& info() const override {
        static const MetricInfo info{
            .name = "irof",
            .title = "Area over the probability, of the image's own, as the best segments become the image's mean",
            .direction = "higher",
            .range = "below 1",
            .cost = "about 50 simulations",
            .source = "Rieger, Hansen, WHI at ICML 2020",
            .input = MetricInput::pixels};
        return info;
    }

    MetricResult measure(const MetricContext& context, const ExplainedSamples& explained,
                         const MetricOptions&) const override {
        MetricResult result;
        const FloatArray maps = pixel_maps(explained.attribution, explained.method.view);
        for (size_t i = 0; i < explained.samples.size(); ++i) {
            const auto n = static_cast<int64_t>(i);
            const FloatArray image = context.images(explained.samples.subspan(i, 1));
            const Shape shape(image.shape.begin() + 1, image.shape.end());
            const Superpixels segments = slic_superpixels(image.data, shape, kSegments);
            const FloatArray versions = without_segments(image, ranked_segments(segments, maps.row(n)));
            const FloatArray scores = image_scores(context, versions, explained.samples[i]);
            result.values.push_back(area_over(
                scores, softmax_probability(explained.scores.row(n), explained.targets[i]), explained.targets[i]));
        }
        return result;
    }

  private:
    /// Without the first segment, without the first two, …: [segments, C, H, W].
    static FloatArray without_segments(const FloatArray& image, const std::vector<std::vector<int64_t>>& segments) {
        const FloatArray mean = baseline_images(image, Baseline::mean);
        const int64_t pixels = image.extent(2) * image.extent(3);
        FloatArray current = image, versions;
        for (const std::vector<int64_t>& segment : segments) {
            for (const int64_t pixel : segment)
                for (int64_t i = pixel; i < current.size(); i += pixels) current.data[i] = mean.data[i];
            versions.append(current);
        }
        return versions;
    }

    static double area_over(const FloatArray& scores, double whole, int target) {
        double sum = 0;
        for (int64_t v = 0; v < scores.extent(0); ++v) sum += 1 - softmax_probability(scores.row(v), target) / whole;
        return sum / static_cast<double>(scores.extent(0));
    }
};

}  // namespace

MetricPointer make_irof_metric() { return std::make_shared<Irof>(); }

}  // namespace spikelens

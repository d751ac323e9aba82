#include <algorithm>

#include "gradient_path.h"
#include "methods.h"
#include "sequence.h"
#include "spike_copies.h"

namespace spikelens {
namespace {

constexpr int64_t kImagesAtOnce = 64;

/// Points first+1 … first+count of the path from the baseline to the image, all samples of a point together.
FloatArray path_points(const FloatArray& images, const FloatArray& baseline, int64_t first, int64_t count,
                       int64_t steps) {
    Shape shape = images.shape;
    shape[0] *= count;
    FloatArray points(std::move(shape));
    for (int64_t k = 0; k < count; ++k) {
        const float share = static_cast<float>(first + k + 1) / static_cast<float>(steps);
        float* point = points.data.data() + k * images.size();
        for (int64_t i = 0; i < images.size(); ++i)
            point[i] = baseline.data[i] + share * (images.data[i] - baseline.data[i]);
    }
    return points;
}

class IntegratedGradients final : public AttributionMethod {
  public:
    explicit IntegratedGradients(MethodOptions& options)
        : steps_(options.integer("steps", 32, 1, 100000, "points on the path")),
          baseline_(options.baseline("where the path of an image begins")) {
        const std::string passes = std::to_string(steps_);
        info_ = {.name = "ig2d",
                 .title = "Integrated gradients, summed over time",
                 .meaning =
                     "signed: the pixel's share of the class score's change from the baseline to the image, by "
                     "surrogate gradients",
                 .cost = passes + " forward and " + passes + " backward",
                 .source =
                     "Bitar, Rosales, Paulitsch, Front. Neurosci. 17:1153999, 2023; Sundararajan, Taly, Yan, ICML 2017",
                 .unit = Unit::score,
                 .signed_values = true,
                 .on_spikes = true,
                 .needs_gradient = true};
    }

    FloatArray attribute(const AttributionContext& context, const AttributionRequest& request) const override {
        if (!request.input.spiking()) return of_images(context, request);
        require_silence("ig2d", baseline_);
        const FloatArray sequence = spike_values(request.input.spikes);
        const FloatArray silence(sequence.shape);
        return sum_over_time(integrate_linear(*context.engine, sequence, silence, request.targets, steps_));
    }

    std::optional<OwnBaseline> own_baseline(const Input& input) const override { return start_of(input, baseline_); }

  private:
    /// (x − x')·(1/n) Σ_{k=1..n} ∂y_c/∂image at x' + (k/n)(x − x')
    FloatArray of_images(const AttributionContext& context, const AttributionRequest& request) const {
        const FloatArray& images = request.input.images;
        const FloatArray baseline = baseline_images(images, baseline_);
        const int64_t at_once = std::max<int64_t>(1, kImagesAtOnce / std::max<int64_t>(1, images.shape[0]));
        std::vector<double> sum(images.size());
        for (int64_t first = 0; first < steps_; first += at_once) {
            const int64_t count = std::min(at_once, steps_ - first);
            add_gradients(*context.engine, path_points(images, baseline, first, count, steps_), request.targets, sum);
        }
        FloatArray result(images.shape);
        for (int64_t i = 0; i < images.size(); ++i) {
            const double way = static_cast<double>(images.data[i]) - baseline.data[i];
            result.data[i] = static_cast<float>(way * sum[i] / static_cast<double>(steps_));
        }
        return result;
    }

    static void add_gradients(const Engine& engine, const FloatArray& points, std::span<const int> targets,
                              std::vector<double>& sum) {
        std::vector<int> repeated;
        while (static_cast<int64_t>(repeated.size()) < points.shape[0])
            repeated.insert(repeated.end(), targets.begin(), targets.end());
        const FloatArray gradient = engine.gradient(points, repeated).gradient;
        for (size_t begin = 0; begin < gradient.data.size(); begin += sum.size()) {
            for (size_t i = 0; i < sum.size(); ++i) sum[i] += gradient.data[begin + i];
        }
    }

    int64_t steps_;
    Baseline baseline_;
};

}  // namespace

MethodPointer make_ig2d(MethodOptions& options) { return std::make_unique<IntegratedGradients>(options); }

}  // namespace spikelens

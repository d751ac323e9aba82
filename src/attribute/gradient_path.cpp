#include "gradient_path.h"

#include <algorithm>
#include <vector>

namespace spikelens {
namespace {

constexpr int64_t kFloatsAtOnce = int64_t{8} << 20;  ///< of inputs; their gradients are as many again: 64 MB together

}  // namespace

void follow(const GradientPath& path, const Engine& engine, int target) {
    const int64_t size = element_count(path.shape);
    const int64_t at_once = std::clamp<int64_t>(kFloatsAtOnce / std::max<int64_t>(1, size), 1, path.points);
    for (int64_t first = 1; first <= path.points; first += at_once) {
        const int64_t count = std::min(at_once, path.points + 1 - first);
        Shape shape = path.shape;
        shape.insert(shape.begin(), count);
        FloatArray points(shape);
        for (int64_t k = 0; k < count; ++k) path.place(first + k, points.row(k));
        const FloatArray gradient = engine.sequence_gradient(points, std::vector<int>(count, target)).gradient;
        for (int64_t k = 0; k < count; ++k) path.take(first + k, gradient.row(k));
    }
}

FloatArray integrate_linear(const Engine& engine, const FloatArray& sequence, const FloatArray& baseline,
                            std::span<const int> targets, int64_t points) {
    FloatArray result(sequence.shape);
    for (int64_t n = 0; n < sequence.extent(0); ++n) {
        const auto from = baseline.row(n), to = sequence.row(n);
        std::vector<double> sum(to.size());
        GradientPath path{sequence.sub(n).shape, points, {}, {}};
        path.place = [&](int64_t k, std::span<float> point) {
            const float share = static_cast<float>(k) / static_cast<float>(points);
            for (size_t i = 0; i < point.size(); ++i) point[i] = from[i] + share * (to[i] - from[i]);
        };
        path.take = [&](int64_t, std::span<const float> gradient) {
            for (size_t i = 0; i < gradient.size(); ++i) sum[i] += gradient[i];
        };
        follow(path, engine, targets[n]);
        for (size_t i = 0; i < sum.size(); ++i) {
            const double way = static_cast<double>(to[i]) - from[i];
            result.row(n)[i] = static_cast<float>(way * sum[i] / static_cast<double>(points));
        }
    }
    return result;
}

FloatArray path_point(const FloatArray& images, const FloatArray& baseline, int64_t k, int64_t steps) {
    if (k == steps) return images;
    FloatArray point(images.shape);
    const float share = static_cast<float>(k) / static_cast<float>(steps);
    for (int64_t i = 0; i < images.size(); ++i)
        point.data[i] = baseline.data[i] + share * (images.data[i] - baseline.data[i]);
    return point;
}

}  // namespace spikelens

#include "gradient_path.h"

#include <algorithm>
#include <vector>

namespace spikelens {
namespace {

constexpr int64_t floats_at_once = int64_t{8} << 20;  ///< of inputs; their gradients are as many again: 64 MB together

}  // namespace

void follow(const GradientPath& path, const Engine& engine, const Shape& frame, int target) {
    const int64_t size = element_count(frame);
    const int64_t at_once = std::clamp<int64_t>(floats_at_once / std::max<int64_t>(1, path.steps * size), 1, path.points);
    for (int64_t first = 1; first <= path.points; first += at_once) {
        const int64_t count = std::min(at_once, path.points + 1 - first);
        FloatArray points({path.steps, count, frame[0], frame[1], frame[2]});
        const auto frame_of = [&](FloatArray& all, int64_t t, int64_t k) { return all.row(t).subspan(k * size, size); };
        for (int64_t t = 0; t < path.steps; ++t)
            for (int64_t k = 0; k < count; ++k) path.place(first + k, t, frame_of(points, t, k));
        FloatArray gradient = engine.sequence_gradient(points, std::vector<int>(count, target)).gradient;
        for (int64_t k = 0; k < count; ++k)
            for (int64_t t = 0; t < path.steps; ++t) path.take(first + k, t, frame_of(gradient, t, k));
    }
}

FloatArray integrate_linear(const Engine& engine, const FloatArray& sequence, const FloatArray& baseline,
                            std::span<const int> targets, int64_t points) {
    const Shape frame(sequence.shape.begin() + 2, sequence.shape.end());
    const int64_t steps = sequence.shape[0], size = element_count(frame);
    FloatArray result(sequence.shape);
    for (int64_t n = 0; n < sequence.shape[1]; ++n) {
        std::vector<double> sum(steps * size);
        GradientPath path{steps, points, {}, {}};
        path.place = [&](int64_t k, int64_t t, std::span<float> point) {
            const float share = static_cast<float>(k) / static_cast<float>(points);
            const float *from = baseline.row(t).data() + n * size, *to = sequence.row(t).data() + n * size;
            for (int64_t i = 0; i < size; ++i) point[i] = from[i] + share * (to[i] - from[i]);
        };
        path.take = [&](int64_t, int64_t t, std::span<const float> gradient) {
            for (int64_t i = 0; i < size; ++i) sum[t * size + i] += gradient[i];
        };
        follow(path, engine, frame, targets[n]);
        for (int64_t t = 0; t < steps; ++t)
            for (int64_t i = 0; i < size; ++i) {
                const int64_t at = n * size + i;
                const double way = static_cast<double>(sequence.row(t)[at]) - baseline.row(t)[at];
                result.row(t)[at] = static_cast<float>(way * sum[t * size + i] / static_cast<double>(points));
            }
    }
    return result;
}

}  // namespace spikelens

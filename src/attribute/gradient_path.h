#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "spikelens/core/array.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// A path of inputs [T, C, H, W] of one sample, points 1 … `points`, and what is done with the gradients there.
struct GradientPath {
    Shape shape;
    int64_t points = 0;
    std::function<void(int64_t point, std::span<float> input)> place;
    std::function<void(int64_t point, std::span<const float> gradient)> take;
};

/// Takes the gradients of the score of `target` at all points, in their order. As many points at once as fit into a
/// bounded memory; the result does not depend on it.
void follow(const GradientPath& path, const Engine& engine, int target);

/// Integrated gradients along the straight path from `baseline` to `sequence`, both [N, T, C, H, W], at every place:
/// (x − x')·(1/n) Σ_{k=1..n} ∂y_c/∂x at x' + (k/n)(x − x').
FloatArray integrate_linear(const Engine& engine, const FloatArray& sequence, const FloatArray& baseline,
                            std::span<const int> targets, int64_t points);

/// b + (x − b)·k/n; the last point is the image to the bit.
FloatArray path_point(const FloatArray& images, const FloatArray& baseline, int64_t k, int64_t steps);

}  // namespace spikelens

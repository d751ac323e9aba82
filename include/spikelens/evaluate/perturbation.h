#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "spikelens/attribute/baseline.h"
#include "spikelens/core/array.h"
#include "spikelens/evaluate/metric_result.h"

namespace spikelens {

/// Order of the pixels by a map [H, W], descending; ties in an order addressed by (seed, sample): row-major order would
/// be a hidden bias. Throws InputError for NaN.
std::vector<int64_t> ranking(std::span<const float> map, uint64_t seed, int64_t sample);

enum class Perturbation { insertion, deletion };

struct PerturbationOptions {
    int64_t pixels_per_step = 0;  ///< 0: one image row
    Baseline baseline = Baseline::black;
    uint64_t seed = 1;
    int64_t max_batch = 512;  ///< perturbed images scored at once
};

/// Scores [N, classes] of images [N, C, H, W]; what is explained is seen through this alone.
using ScoreFunction = std::function<FloatArray(const FloatArray& images)>;

/// Insertion (RISE, Petsiuk et al. 2018): from the baseline to the image, best pixels first. Deletion: from the image
/// to the baseline. A value is the area under its curve, (Σ a − a_0/2 − a_n/2)/n over n steps; the curve [n + 1] is the
/// softmax probability of the target, both ends included. The last step may be smaller when steps do not divide the
/// pixels. maps [N, H, W]; samples address the tie-breaking. All channels of a pixel change together. Scores N·(n + 1)
/// images. Throws InputError when shapes do not match, a map has NaN, a target is not a class, a score is not finite,
/// or an option is out of range.
MetricResult perturb(Perturbation kind, const ArrayView<float>& images, const ArrayView<float>& maps,
                     std::span<const int> targets, std::span<const int64_t> samples, const ScoreFunction& score,
                     const PerturbationOptions& options);

}  // namespace spikelens

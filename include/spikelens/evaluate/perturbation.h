#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "spikelens/attribute/baseline.h"
#include "spikelens/core/array.h"

namespace spikelens {

/// Order of the pixels by a map [H, W], descending; ties in an order addressed by (seed, sample): row-major order would be
/// a hidden bias. Throws InputError for NaN.
std::vector<int64_t> ranking(std::span<const float> map, uint64_t seed, int64_t sample);

struct MetricInfo {
    std::string name;  ///< "insertion"
    std::string title;
    std::string direction;  ///< "higher" or "lower" is better
    std::string source;
};

enum class Perturbation { insertion, deletion };
const MetricInfo& metric_info(Perturbation kind);

struct PerturbationOptions {
    int64_t pixels_per_step = 0;  ///< 0: one image row
    Baseline baseline = Baseline::black;
    uint64_t seed = 1;
    int64_t max_batch = 512;  ///< perturbed images scored at once
};

/// Scores [N, classes] of images [N, C, H, W]; what is explained is seen through this alone.
using ScoreFunction = std::function<FloatArray(const FloatArray& images)>;

struct PerturbationResult {
    std::vector<double> auc;  ///< per sample: (Σ a − a_0/2 − a_n/2)/n over n steps
    FloatArray curves;        ///< [N, n + 1] softmax probability of targets[n], both ends included
};

/// Insertion (RISE, Petsiuk et al. 2018): from the baseline to the image, best pixels first. Deletion: from the image to the
/// baseline. The last step may be smaller when steps do not divide the pixels. maps [N, H, W]; samples address the
/// tie-breaking. All channels of a pixel change together. Scores N·(n + 1) images. Throws InputError when shapes do not match,
/// a map has NaN, a target is not a class, a score is not finite, or an option is out of range.
PerturbationResult perturb(Perturbation kind, const ArrayView<float>& images, const ArrayView<float>& maps,
                           std::span<const int> targets, std::span<const int64_t> samples, const ScoreFunction& score,
                           const PerturbationOptions& options);

}  // namespace spikelens

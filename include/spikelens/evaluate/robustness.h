#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/samples.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// Maps [N, H, W] of these inputs.
using MapFunction = std::function<FloatArray(const Input& input)>;

struct SensitivityOptions {
    double radius = 0.02;  ///< in (0, 1]. images: every value changes by at most so much of its range, and stays
                           ///< within it; spikes: the share of spikes moved by one step in time
    int draws = 10;
    uint64_t seed = 1;
};

/// Max-sensitivity (Yeh et al., NeurIPS 2019): the largest ‖Φ(x + δ) − Φ(x)‖ / ‖Φ(x)‖ over `draws` seeded perturbations
/// δ, addressed by (seed, sample, draw); lower is better. 0 for a map of zeros that stays zero, infinity if it does
/// not. Cost: draws + 1 explanations a sample.
///  images  δ is uniform in ±radius·(high − low), one for each value, and x + δ is clipped to [low, high]: [0, 1], or
///          each channel's own range in an image that has values outside [0, 1] (pictures with a mean).
///  spikes  max(1, round(radius · m)) of a sample's m single spikes are drawn without replacement, and each moves by
///          one step, either way with equal chance; at the first and the last step it goes the only way there is.
///          Places add their spikes up; a spike whose goal is full (255) stays. A sample without spikes stays as it is.
/// `maps` gets all samples at once, in order. Throws InputError when shapes do not match, an image or a map holds a
/// value that is not finite, spikes have a single step, or an option is out of range.
std::vector<double> sensitivity(const Input& input, std::span<const int64_t> samples, const MapFunction& maps,
                                const SensitivityOptions& options);

/// Relative stability (Agarwal et al., 2022): the same, each change divided by the relative change ‖c(x + δ) − c(x)‖ /
/// ‖c(x)‖ of its cause, which is at least 1e-6: the input itself, or the class scores. `cause` gives [N, …]; empty
/// divides by nothing. Norms in place of the paper's division value by value, which an input of zeros makes
/// meaningless.
std::vector<double> relative_stability(const Input& input, std::span<const int64_t> samples, const MapFunction& maps,
                                       const MapFunction& cause, const SensitivityOptions& options);

/// The network with new weights (Adebayo et al., NeurIPS 2018: a map that stays the same does not explain the model).
///  full       the fully connected layers drawn anew
///  cascade    the last `layers` layers drawn anew
/// New weights are the old ones of each output in another order (addressed by seed, layer and output: a layer is the
/// same in both and in every cascade): their distribution, and with it the activity, stays, and so do biases. Throws
/// InputError unless 1 ≤ layers ≤ all, and for a network without a fully connected layer where these are asked for.
Network randomise_full(const Network& network, uint64_t seed);
Network randomise_last(const Network& network, int layers, uint64_t seed);

/// Spearman's rank correlation of each sample's two maps [N, H, W] (ties share their mean rank). Where `a`, the map
/// that is measured, is constant it is 1: such a map ranks nothing, so no other map contradicts it. Where only `b` is
/// constant it is 0. Near 0 is what a faithful method shows under randomisation. Throws InputError for NaN and shapes
/// that do not match.
std::vector<double> rank_correlation(const FloatArray& a, const FloatArray& b);

}  // namespace spikelens

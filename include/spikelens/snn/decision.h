#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// Whether the class scores of one sample name no class: all of them are equal, as when a network whose score counts
/// output spikes stays silent, or one of them is no number (NaN). Their first maximum is then no decision. A single
/// class is always decided.
bool undecided(std::span<const float> scores);

/// Softmax of the class scores of one sample, in double: e^(s_c − max s) / Σ e^(s_k − max s) for one class, and for
/// each as float32. Not a number where a score is +∞ or no number.
double softmax_probability(std::span<const float> scores, int c);
std::vector<float> softmax_probabilities(std::span<const float> scores);

/// In place of a predicted class, where there is none.
inline constexpr int kUndecided = -1;

/// The predicted class of each row of [N, classes]: the first maximum, kUndecided where undecided(). Who counts
/// predictions counts these; predictions() (simulate.h) names a class to explain whether there is a decision or not.
std::vector<int> decisions(const FloatArray& scores);

}  // namespace spikelens

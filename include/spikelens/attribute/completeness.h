#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spikelens/attribute/method.h"
#include "spikelens/core/array.h"
#include "spikelens/snn/engine.h"

namespace spikelens {

/// How well a signed attribution accounts for the score: Σ A = y_c(x) − y_c(x') when nothing is lost or invented. Where
/// a method says what the score is made of beside its attributions (AttributionMethod::remainder): Σ A + bias + lost =
/// whole.
struct Completeness {
    double attributed = 0;  ///< Σ A over channels and pixels, and over time
    double difference = 0;  ///< y_c(x) − y_c(x'), or what was shared out
    double bias = 0;        ///< the part of biases
    double lost = 0;        ///< what reached no input
    double gap = 0;         ///< |attributed + bias + lost − difference|, in units of the score
};

/// Per sample, from attributions [N, C, H, W] or [N, T, C, H, W] and the scores [N, classes] of the inputs and of their
/// baselines. Throws InputError for sizes that do not match and targets out of range.
std::vector<Completeness> completeness(const FloatArray& attribution, const FloatArray& image_scores,
                                       const FloatArray& baseline_scores, std::span<const int> targets);

/// What a method's completeness is measured from: the name of its own baseline for this kind of input; "biases" where
/// the method says what biases brought. None for methods that do not aim at completeness, and for views of others than
/// their natural one: they have no completeness.
std::optional<std::string> completeness_baseline(const MethodSpec& spec, const Input& input);

/// Completeness of a method's attribution of the request's input, whose scores are `scores`, measured from the method's
/// own baseline, which it simulates, or by its remainder. Throws InputError when completeness_baseline() has none, and
/// as completeness() does.
std::vector<Completeness> own_completeness(const MethodSpec& spec, const AttributionContext& context,
                                           const AttributionRequest& request, const FloatArray& attribution,
                                           const FloatArray& scores);

}  // namespace spikelens

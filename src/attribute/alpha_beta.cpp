#include "alpha_beta.h"

#include <algorithm>
#include <numeric>

namespace spikelens {
namespace {

constexpr float kLeastSum = 1e-30F;  ///< what is smaller counts as 0

/// Where neurons differ, their gains have one sign, and shares do not depend on their size.
float gain_of(const Layer& layer) {
    return layer.neuron && layer.values.empty() ? input_scale<float>(*layer.neuron) : 1.0F;
}

std::shared_ptr<const Layer> of_one_sign(const Layer& layer, bool positive) {
    auto part = std::make_shared<Layer>(layer);
    const float gain = gain_of(layer);
    for (float& weight : part->weight.data)
        weight = positive ? std::max(0.0F, gain * weight) : std::min(0.0F, gain * weight);
    return part;
}

std::vector<float> of_one_sign(std::span<const float> values, bool positive) {
    std::vector<float> part(values.begin(), values.end());
    for (float& value : part) value = positive ? std::max(0.0F, value) : std::min(0.0F, value);
    return part;
}

bool any(std::span<const float> values) {
    return std::ranges::any_of(values, [](float value) { return value != 0; });
}

}  // namespace

AlphaBeta::AlphaBeta(const Layer& layer, Rule rule)
    : rule_(rule),
      pixels_(int64_t{layer.out_height} * layer.out_width),
      bias_(layer.has_bias ? layer.bias.data : std::vector<float>(layer.out_channels)),
      positive_(of_one_sign(layer, true)),
      negative_(of_one_sign(layer, false)),
      of_positive_(*positive_),
      of_negative_(*negative_) {
    for (float& bias : bias_) bias *= gain_of(layer);
}

float AlphaBeta::bias_term(int64_t output, bool positive) const {
    const float bias = rule_.bias ? bias_[output / pixels_] : 0;
    return positive ? std::max(0.0F, bias) : std::min(0.0F, bias);
}

AlphaBeta::Result AlphaBeta::pass(std::span<const float> relevance, std::span<const float> inputs) const {
    Result result{std::vector<float>(inputs.size()), 0, 0};
    const std::vector<float> positive = of_one_sign(inputs, true), negative = of_one_sign(inputs, false);
    const auto alpha = static_cast<float>(rule_.alpha);
    add({&of_positive_, &of_negative_, true, alpha}, relevance, positive, negative, result);
    if (rule_.alpha > 1) add({&of_negative_, &of_positive_, false, 1 - alpha}, relevance, positive, negative, result);
    return result;
}

void AlphaBeta::add(const Terms& terms, std::span<const float> relevance, std::span<const float> positive,
                    std::span<const float> negative, Result& result) const {
    const bool below_zero = any(negative);
    std::vector<float> sums = terms.of_positive->apply(positive);
    if (below_zero) {
        const std::vector<float> more = terms.of_negative->apply(negative);
        for (size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
    }
    for (size_t i = 0; i < sums.size(); ++i) {
        const float bias = bias_term(static_cast<int64_t>(i), terms.positive), sum = sums[i] + bias;
        const double passed = double{terms.factor} * relevance[i];
        const bool nothing = std::abs(sum) < kLeastSum;
        if (nothing) result.lost += passed;
        sums[i] = nothing ? 0 : static_cast<float>(passed / sum);
        result.bias += double{sums[i]} * bias;
    }
    const std::vector<float> above = terms.of_positive->apply_transposed(sums);
    for (size_t j = 0; j < above.size(); ++j) result.relevance[j] += positive[j] * above[j];
    if (!below_zero) return;
    const std::vector<float> below = terms.of_negative->apply_transposed(sums);
    for (size_t j = 0; j < below.size(); ++j) result.relevance[j] += negative[j] * below[j];
}

}  // namespace spikelens

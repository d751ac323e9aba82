#include "weight_norms.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "pickle_globals.h"
#include "step_norms.h"
#include "weight_names.h"
#include "weight_roles.h"

namespace spikelens {
namespace {

bool is_vector(const StateTensor& tensor) { return tensor.view.shape.size() == 1 && is_real(tensor.view.type); }

void check_norm(const StateDict& state, const FileNorm& norm, const std::string& where) {
    const auto fail = [&](const std::string& what) {
        throw InputError(fmt::format("{}: the batch normalisation {} {}", where, shown(norm.stem), what));
    };
    for (const char* leaf : {kRunningMean, kRunningVar})
        if (!norm.tensors.contains(leaf)) fail(fmt::format("has no {}", leaf));
    const Shape& channels = state.tensors[norm.tensors.at(kRunningMean)].view.shape;
    for (const char* leaf : {kRunningMean, kRunningVar, "weight", "bias"}) {
        const auto found = norm.tensors.find(leaf);
        if (found == norm.tensors.end()) continue;
        const StateTensor& tensor = state.tensors[found->second];
        if (!is_vector(tensor) || tensor.view.shape != channels)
            fail(fmt::format("has the {} {}, but the running_mean {}: expected one number for each channel in both",
                             leaf, shape_text(tensor.view.shape), shape_text(channels)));
    }
}

}  // namespace

std::vector<FileNorm> find_norms(const StateDict& state, int steps, const std::string& where) {
    std::map<std::string, size_t> known;
    std::vector<FileNorm> norms;
    for (const StateTensor& tensor : state.tensors) {
        const std::string leaf = leaf_of(tensor.name), stem = stem_of(tensor.name);
        if (leaf != kRunningMean && leaf != kRunningVar) continue;
        if (known.emplace(stem, norms.size()).second) norms.push_back({stem, tensor.module, {}, {}});
    }
    for (size_t i = 0; i < state.tensors.size(); ++i)
        if (const auto norm = known.find(stem_of(state.tensors[i].name)); norm != known.end())
            norms[norm->second].tensors.emplace(leaf_of(state.tensors[i].name), i);
    for (const FileNorm& norm : norms) check_norm(state, norm, where);
    join_step_norms(state, steps, norms);
    return norms;
}

NormNumbers norm_numbers(const StateDict& state, const std::map<std::string, size_t>& tensors, double eps,
                         const std::string& what) {
    const auto channels = static_cast<size_t>(state.tensors[tensors.at(kRunningMean)].view.shape[0]);
    const auto numbers = [&](const char* leaf, double missing) {
        const auto found = tensors.find(leaf);
        if (found == tensors.end()) return std::vector<double>(channels, missing);
        std::vector<double> values = tensor_numbers(state.tensors[found->second].view);
        for (const double value : values)
            if (!std::isfinite(value)) throw InputError(fmt::format("{} has a {} that is not finite", what, leaf));
        return values;
    };
    const std::vector<double> variance = numbers(kRunningVar, 1), gamma = numbers("weight", 1);
    NormNumbers result{std::vector<double>(channels), numbers(kRunningMean, 0), numbers("bias", 0)};
    for (size_t c = 0; c < channels; ++c) {
        if (!(variance[c] >= 0 && variance[c] + eps > 0))
            throw InputError(
                fmt::format("{} has the variance {:g}, expected 0 or more, and with ε above 0", what, variance[c]));
        result.scale[c] = gamma[c] / std::sqrt(variance[c] + eps);
    }
    return result;
}

void fold_norm(const StateDict& state, const FileNorm& norm, const NormPlace& place, double eps,
               const std::string& where) {
    Layer& layer = *place.layer;
    const std::string what = fmt::format("{}: the batch normalisation {}", where, shown(norm.stem));
    const auto [scale, mean, beta] = norm_numbers(state, norm.tensors, eps, what);
    std::vector<double> shift(scale.size());
    for (size_t c = 0; c < shift.size(); ++c) shift[c] = beta[c] - mean[c] * scale[c];
    if (place.before) return fold_into_input(layer, scale, shift, what + ", of the network's input,");
    if (!layer.has_bias)
        throw InputError(
            fmt::format("{} gives {} a bias, but the network text gives it none: drop its b0", what, layer.name));
    for (size_t i = 0; i < layer.weight.data.size(); ++i)
        layer.weight.data[i] =
            static_cast<float>(layer.weight.data[i] * scale[i / static_cast<size_t>(layer.fan_in())]);
    for (size_t o = 0; o < scale.size(); ++o)
        layer.bias.data[o] = static_cast<float>((layer.bias.data[o] - mean[o]) * scale[o] + beta[o]);
}

void fold_into_input(Layer& layer, std::span<const double> scale, std::span<const double> shift,
                     const std::string& what) {
    const bool shifted = std::ranges::any_of(shift, [](double value) { return value != 0; });
    if (shifted && layer.kind == LayerKind::conv && std::max(layer.padding, layer.padding_columns()) > 0)
        throw InputError(
            fmt::format("{} cannot be folded into {}: that layer pads its input with zeros, which stand for other "
                        "values before it than after it",
                        what, layer.name));
    if (shifted && !layer.has_bias)
        throw InputError(
            fmt::format("{} gives {} a bias, but the network text gives it none: drop its b0", what, layer.name));
    const auto fan_in = static_cast<size_t>(layer.fan_in());
    const auto groups = static_cast<size_t>(layer.groups);
    const size_t channels = static_cast<size_t>(layer.in_channels) / groups, each = fan_in / channels;
    for (size_t o = 0; o < static_cast<size_t>(layer.out_channels); ++o) {
        const size_t first = o / (static_cast<size_t>(layer.out_channels) / groups) * channels;
        double sum = shifted ? layer.bias.data[o] : 0;
        for (size_t i = 0; i < fan_in; ++i) {
            float& weight = layer.weight.data[o * fan_in + i];
            const size_t channel = first + i / each;
            sum += weight * shift[channel];
            weight = static_cast<float>(weight * scale[channel]);
        }
        if (shifted) layer.bias.data[o] = static_cast<float>(sum);
    }
}

}  // namespace spikelens

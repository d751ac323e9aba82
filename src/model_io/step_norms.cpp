#include "step_norms.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "pickle_globals.h"
#include "weight_names.h"
#include "weight_roles.h"

namespace spikelens {
namespace {

constexpr std::string_view kSpikingJellyList = "bn_list";

/// The module that a list's members are of: "bn" of "bn.3" and of "bn.bn_list.3".
std::string list_of(const std::string& stem) {
    const std::string list = stem_of(stem);
    return leaf_of(list) == kSpikingJellyList ? stem_of(list) : list;
}

/// Normalisations of one list by their numbers.
using Members = std::map<size_t, const FileNorm*>;

bool has(const FileNorm& norm, const char* leaf) { return norm.tensors.contains(leaf); }

bool is_of_steps(const StateDict& state, const std::string& list, const Members& members, int steps) {
    const FileNorm& first = *members.begin()->second;
    const auto channels = [&](const FileNorm& norm) {
        return has(norm, kRunningMean) ? state.tensors[norm.tensors.at(kRunningMean)].view.shape : Shape{};
    };
    size_t tensors = 0;
    bool factors_alone = members.size() > 1;
    for (const auto& [number, norm] : members) {
        if (channels(*norm) != channels(first)) return false;
        tensors += norm->tensors.size();
        factors_alone = factors_alone && has(*norm, "weight") && !has(*norm, "bias");
    }
    const auto within = std::ranges::count_if(
        state.tensors, [&](const StateTensor& tensor) { return tensor.name.starts_with(list + "."); });
    if (static_cast<size_t>(within) != tensors || members.rbegin()->first + 1 != members.size()) return false;
    return leaf_of(stem_of(first.stem)) == kSpikingJellyList || factors_alone ||
           static_cast<int>(members.size()) == steps;
}

}  // namespace

int steps_of_norms(const Network& network) {
    int steps = 0;
    for (const Layer& layer : network.layers) steps = std::max(steps, layer.steps);
    return steps;
}

void join_step_norms(const StateDict& state, int steps, std::vector<FileNorm>& norms) {
    std::map<std::string, Members> lists;
    for (const FileNorm& norm : norms) {
        const std::string number = leaf_of(norm.stem);
        const bool digits =
            number.size() < 6 && std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
        if (digits && number != norm.stem) lists[list_of(norm.stem)].emplace(std::stoul(number), &norm);
    }
    std::map<std::string, FileNorm> joined;
    for (const auto& [list, members] : lists) {
        if (!is_of_steps(state, list, members, steps)) continue;
        FileNorm whole{list, members.begin()->second->module, members.begin()->second->tensors, {}};
        for (const auto& [number, norm] : members) whole.steps.push_back(norm->tensors);
        joined.emplace(list, std::move(whole));
    }
    std::vector<FileNorm> all;
    for (FileNorm& norm : norms) {
        const auto found = joined.find(list_of(norm.stem));
        if (found == joined.end())
            all.push_back(std::move(norm));
        else if (std::ranges::find(all, found->first, &FileNorm::stem) == all.end())
            all.push_back(found->second);
    }
    norms = std::move(all);
}

Layer& fill_step_norm(const StateDict& state, const FileNorm& norm, const NormPlace& place, double eps,
                      Network& network, const std::string& where) {
    const std::string what = fmt::format("{}: the batch normalisation {}", where, shown(norm.stem));
    std::vector<double> scales(norm.steps.size(), 1.0);
    if (norm.steps.empty()) scales = tensor_numbers(state.tensors[norm.tensors.at(kStepsScale)].view);
    const std::string differs = fmt::format("{} differs between {} steps", what, scales.size());
    if (place.before) throw InputError(differs + " and stands before all weights; expected it behind one");
    const int index = static_cast<int>(place.layer - network.layers.data());
    const auto layer = std::ranges::find_if(network.layers, [&](const Layer& one) {
        return one.kind == LayerKind::norm && one.inputs == std::vector{index};
    });
    if (layer == network.layers.end())
        throw InputError(
            fmt::format("{}; expected BN{} behind {} in the network text", differs, scales.size(), place.layer->name));
    if (static_cast<size_t>(layer->steps) != scales.size())
        throw InputError(fmt::format("{}, but the network text gives {} BN{}", differs, layer->name, layer->steps));
    const auto channels = static_cast<size_t>(layer->out_channels);
    for (size_t step = 0; step < scales.size(); ++step) {
        const NormNumbers numbers =
            norm_numbers(state, norm.steps.empty() ? norm.tensors : norm.steps[step], eps, what);
        for (size_t c = 0; c < channels; ++c) {
            const double factor = numbers.scale[c] * scales[step];
            layer->weight.data[step * channels + c] = static_cast<float>(factor);
            layer->bias.data[step * channels + c] =
                static_cast<float>(numbers.beta[c] * scales[step] - numbers.mean[c] * factor);
        }
    }
    return *layer;
}

void require_step_norms(const Network& network, const std::vector<const Layer*>& filled, const std::string& where) {
    for (const Layer& layer : network.layers)
        if (layer.kind == LayerKind::norm && std::ranges::find(filled, &layer) == filled.end())
            throw InputError(
                fmt::format("{}: it holds no batch normalisation that differs between steps for {} (BN{}): where one "
                            "is the same at all steps, the network text does not have it",
                            where, layer.name, layer.steps));
}

}  // namespace spikelens

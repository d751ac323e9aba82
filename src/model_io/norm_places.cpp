#include <algorithm>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "pickle_globals.h"
#include "place_order.h"
#include "weight_names.h"
#include "weight_norms.h"
#include "weight_roles.h"

namespace spikelens {
namespace {

constexpr const char* kNormSuffix = ".norm";

bool is_number(const std::string& part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) { return c >= '0' && c <= '9'; });
}

std::vector<std::string> parts_of(const std::string& stem) {
    std::vector<std::string> parts;
    for (size_t begin = 0; begin <= stem.size();) {
        const size_t end = std::min(stem.find('.', begin), stem.size());
        parts.push_back(stem.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

/// The numbers of a name alone: "1.2" of "block1.conv2".
std::string numbers_in(const std::string& part) {
    std::string numbers;
    for (size_t i = 0; i < part.size(); ++i) {
        if (!is_number(part.substr(i, 1))) continue;
        if (i > 0 && !is_number(part.substr(i - 1, 1))) numbers += '.';
        numbers += part[i];
    }
    return numbers;
}

/// Whether two names have the same numbers and differ in the words of one part.
bool are_partners(const std::string& first, const std::string& second) {
    const std::vector<std::string> a = parts_of(first), b = parts_of(second);
    if (a.size() != b.size()) return false;
    size_t different = 0;
    for (size_t i = 0; i < a.size(); ++i) {
        if (numbers_in(a[i]) != numbers_in(b[i])) return false;
        different += a[i] != b[i];
    }
    return different == 1;
}

class NormPlaces {
  public:
    NormPlaces(const StateDict& state, const std::vector<FileNorm>& norms, const std::vector<FilledLayer>& weights,
               const std::map<std::string, std::string>& told, const std::string& where)
        : state_(state),
          norms_(norms),
          weights_(weights),
          told_(told),
          where_(where),
          numbers_(names(norms, weights)) {}

    std::vector<NormPlace> run() {
        require_told();
        std::map<std::pair<const Layer*, bool>, const FileNorm*> taken;
        std::vector<NormPlace> places;
        for (const FileNorm& norm : norms_) {
            const FilledLayer* owner = told_layer(norm);
            if (!owner) owner = in_container(norm);
            if (!owner) {
                owner = by_name(norm);
                if (!owner) owner = nearest(norm);
                if (owner) require_no_neuron_between(norm, *owner);
                if (owner) require_no_maximum_between(norm, *owner);
            }
            places.push_back(owner ? NormPlace{owner->layer, false} : before_all(norm));
            require_channels(norm, places.back(), owner);
            const auto [other, first] = taken.emplace(std::pair(places.back().layer, places.back().before), &norm);
            if (!first)
                fail(norm, fmt::format("and {} both belong to {} by their names and order", shown(other->second->stem),
                                       places.back().layer->name));
        }
        return places;
    }

  private:
    static std::vector<std::string> names(const std::vector<FileNorm>& norms, const std::vector<FilledLayer>& weights) {
        std::vector<std::string> names;
        for (const FileNorm& norm : norms) names.push_back(norm.stem);
        for (const FilledLayer& weight : weights) names.push_back(weight.stem);
        return names;
    }
    [[noreturn]] void fail(const FileNorm& norm, const std::string& what) const {
        throw InputError(fmt::format("{}: the batch normalisation {} {}: say which layer it follows (conv1.norm={})",
                                     where_, shown(norm.stem), what, shown(norm.stem)));
    }
    int64_t channels(const FileNorm& norm) const {
        return state_.tensors[norm.tensors.at("running_mean")].view.shape[0];
    }
    bool fits(const FileNorm& norm, const FilledLayer& weight) const {
        return weight.layer->out_channels == channels(norm);
    }

    void require_told() const {
        std::vector<std::string> known;
        for (const FileNorm& norm : norms_) known.push_back(norm.stem);
        for (const auto& [key, module] : told_) {
            if (!key.ends_with(kNormSuffix)) continue;
            const std::string layer = stem_of(key);
            if (std::ranges::find(weights_, layer, [](const FilledLayer& one) { return one.layer->name; }) ==
                weights_.end())
                throw InputError(fmt::format("{}: the network has no layer '{}' with weights to fold {} into", where_,
                                             shown(layer), shown(module)));
            if (std::ranges::find(known, module) == known.end())
                throw InputError(fmt::format("{}: it has no batch normalisation '{}' to fold into {}{}", where_,
                                             shown(module), layer, suggestion(module, known)));
        }
    }
    const FilledLayer* told_layer(const FileNorm& norm) const {
        for (const FilledLayer& weight : weights_) {
            const auto found = told_.find(weight.layer->name + kNormSuffix);
            if (found != told_.end() && found->second == norm.stem) return &weight;
        }
        return nullptr;
    }

    /// "features.1" after "features.0". What has no tensors and stands between may be a pool or a neuron.
    const FilledLayer* in_container(const FileNorm& norm) const {
        if (!is_number(leaf_of(norm.stem))) return nullptr;
        const FilledLayer* before = nullptr;
        for (const FilledLayer& weight : weights_) {
            if (stem_of(weight.stem) != stem_of(norm.stem) ||
                order_of_names(weight.stem, norm.stem) != NameOrder::first_before)
                continue;
            if (!before || order_of_names(before->stem, weight.stem) == NameOrder::first_before) before = &weight;
        }
        if (before) require_nothing_between(norm, *before);
        return before;
    }
    void require_nothing_between(const FileNorm& norm, const FilledLayer& weight) const {
        for (const StateTensor& tensor : state_.tensors) {
            const std::string stem = stem_of(tensor.name);
            const bool between = order_of_names(weight.stem, stem) == NameOrder::first_before &&
                                 order_of_names(stem, norm.stem) == NameOrder::first_before;
            if (between)
                fail(norm, fmt::format("stands behind {}, not directly behind {}; expected it before neurons and pools",
                                       shown(stem), shown(weight.stem)));
        }
        const std::string first = leaf_of(weight.stem), second = leaf_of(norm.stem);
        if (!is_number(first) || first.size() > 9 || second.size() > 9 || std::stol(first) + 1 == std::stol(second))
            return;
        fail(norm, fmt::format(
                       "does not directly follow {}: what stands between has no tensors and may be a neuron or a pool",
                       shown(weight.stem)));
    }

    /// A neuron that the model defines between the two, where no other weight is: what comes is spikes.
    void require_no_neuron_between(const FileNorm& norm, const FilledLayer& weight) const {
        if (!norm.module || !weight.module) return;
        const auto between = [&](const std::optional<size_t>& module) {
            return module && *weight.module < *module && *module < *norm.module;
        };
        if (std::ranges::any_of(weights_, between, &FilledLayer::module)) return;
        for (const StateTensor& tensor : state_.tensors) {
            const std::string stem = stem_of(tensor.name);
            if (between(tensor.module) && std::ranges::find(norms_, stem, &FileNorm::stem) == norms_.end())
                fail(norm, fmt::format("is defined behind {}, not directly behind {}; expected it before neurons",
                                       shown(stem), shown(weight.stem)));
        }
    }

    /// A negative factor and the maximum of a pool cannot change places.
    void require_no_maximum_between(const FileNorm& norm, const FilledLayer& weight) const {
        const auto factors = norm.tensors.find("weight");
        if (weight.layer->neuron) return;
        if (weight.layer->pool.pads() && weight.layer->pool.kind != PoolKind::max)
            fail(norm,
                 fmt::format("cannot be folded from behind the padded pool of {}; where it stands before that pool",
                             weight.layer->name));
        if (weight.layer->pool.kind != PoolKind::max || factors == norm.tensors.end()) return;
        const std::vector<double> gamma = tensor_numbers(state_.tensors[factors->second].view);
        if (std::ranges::any_of(gamma, [](double factor) { return factor < 0; }))
            fail(norm, fmt::format(
                           "has negative factors, which cannot be folded from behind the maximum that {} pools; where "
                           "it stands before that pool",
                           weight.layer->name));
    }

    /// bn1 beside conv1. One that the model defines before its partner normalises what that reads.
    const FilledLayer* by_name(const FileNorm& norm) const {
        const FilledLayer* partner = nullptr;
        for (const FilledLayer& weight : weights_) {
            if (!are_partners(weight.stem, norm.stem) || !fits(norm, weight)) continue;
            if (partner) {  // conv1 and fc1
                const FilledLayer* const other = nearest(norm);
                if (other != partner && other != &weight)
                    fail(norm, fmt::format("may belong to {} and to {}", shown(partner->stem), shown(weight.stem)));
                return other;
            }
            partner = &weight;
        }
        if (partner && norm.module && partner->module && *norm.module < *partner->module)
            fail(norm,
                 fmt::format("belongs to {} by its name, but the model defines it before that", shown(partner->stem)));
        return partner;
    }

    NameOrder order(const FilledLayer& weight, const std::string& stem, const std::optional<size_t>& module) const {
        const NameOrder names = numbers_.order(weight.stem, stem);
        if (names != NameOrder::unknown || !weight.module || !module) return names;
        return *weight.module < *module ? NameOrder::first_before : NameOrder::second_before;
    }
    const FilledLayer* nearest(const FileNorm& norm) const {
        const FilledLayer* before = nullptr;
        for (const FilledLayer& weight : weights_) {
            const NameOrder place = order(weight, norm.stem, norm.module);
            if (place == NameOrder::unknown)
                fail(norm, fmt::format("and {} are in no order that names or the model's definition tell",
                                       shown(weight.stem)));
            if (place != NameOrder::first_before) continue;
            if (!before || order(*before, weight.stem, weight.module) == NameOrder::first_before) before = &weight;
        }
        return before;
    }

    /// Where no weight is before it, it normalises what the network reads.
    NormPlace before_all(const FileNorm& norm) const {
        Layer* reader = nullptr;
        for (const FilledLayer& weight : weights_) {
            if (weight.layer->inputs != std::vector{kNetworkInput}) continue;
            if (reader) fail(norm, "stands before all weights, and several layers read the network's input");
            reader = weight.layer;
        }
        if (!reader) fail(norm, "has no weighted layer before it");
        return {reader, true};
    }

    void require_channels(const FileNorm& norm, const NormPlace& place, const FilledLayer* owner) const {
        const int64_t expected = place.before ? place.layer->in_channels : place.layer->out_channels;
        if (channels(norm) == expected) return;
        fail(norm, fmt::format("has {} channels, but {}{} {} {}", channels(norm), place.layer->name,
                               owner ? ", filled from " + shown(owner->stem) + "," : "", place.before ? "reads" : "has",
                               expected));
    }

    const StateDict& state_;
    const std::vector<FileNorm>& norms_;
    const std::vector<FilledLayer>& weights_;
    const std::map<std::string, std::string>& told_;
    const std::string& where_;
    NameNumbers numbers_;
};

}  // namespace

std::vector<NormPlace> places_of_norms(const StateDict& state, const std::vector<FileNorm>& norms,
                                       const std::vector<FilledLayer>& weights,
                                       const std::map<std::string, std::string>& told, const std::string& where) {
    return NormPlaces(state, norms, weights, told, where).run();
}

}  // namespace spikelens

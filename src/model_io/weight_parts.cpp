#include "weight_parts.h"

#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "pickle_globals.h"
#include "weight_names.h"

namespace spikelens {
namespace {

constexpr std::string_view kParametrised = ".parametrizations.";

/// The name of a weight, and those of its two parts.
struct Split {
    Composition composition;
    std::string name, first, second;
};

/// What a tensor is the second part of, by its name.
std::optional<Split> split_of(const std::string& name) {
    if (name.ends_with("_mask")) {
        const std::string whole = name.substr(0, name.size() - 5);
        return Split{Composition::pruned, whole, whole + "_orig", name};
    }
    if (name.ends_with("_v")) {
        const std::string whole = name.substr(0, name.size() - 2);
        return Split{Composition::weight_norm, whole, whole + "_g", name};
    }
    const size_t place = ("." + name).find(kParametrised);  // also of a model that is one module
    if (leaf_of(name) != "original1" || place == std::string::npos) return std::nullopt;
    const std::string stem = stem_of(name);
    const std::string whole = name.substr(0, place) + stem.substr(place + kParametrised.size() - 1);
    return Split{Composition::weight_norm, whole, stem + ".original0", name};
}

/// Whether g has v's axes, with the extent 1 on all but one of them, or is a single number.
bool is_norm_of(const Shape& g, const Shape& v) {
    if (element_count(g) == 1) return true;
    if (g.size() != v.size()) return false;
    size_t kept = 0;
    for (size_t axis = 0; axis < g.size(); ++axis) {
        if (g[axis] != 1 && g[axis] != v[axis]) return false;
        kept += g[axis] != 1;
    }
    return kept == 1;
}

/// For each element of v, in row-major order, the place of its g.
std::vector<size_t> places_in(const Shape& g, const Shape& v) {
    std::vector<size_t> places(static_cast<size_t>(element_count(v)), 0);
    if (element_count(g) == 1) return places;
    size_t axis = 0, inner = 1;
    while (g[axis] == 1) ++axis;
    for (size_t after = axis + 1; after < v.size(); ++after) inner *= static_cast<size_t>(v[after]);
    for (size_t i = 0; i < places.size(); ++i) places[i] = i / inner % static_cast<size_t>(v[axis]);
    return places;
}

FloatArray weight_norm(const TensorView& g_view, const TensorView& v_view) {
    const std::vector<double> g = tensor_numbers(g_view), v = tensor_numbers(v_view);
    const std::vector<size_t> place = places_in(g_view.shape, v_view.shape);
    std::vector<double> squares(g.size(), 0);
    for (size_t i = 0; i < v.size(); ++i) squares[place[i]] += v[i] * v[i];
    FloatArray weight(v_view.shape);
    for (size_t i = 0; i < v.size(); ++i)
        weight.data[i] = static_cast<float>(v[i] * (g[place[i]] / std::sqrt(squares[place[i]])));
    return weight;
}

FloatArray pruned(const TensorView& whole, const TensorView& mask) {
    FloatArray weight = tensor_values(whole);
    const std::vector<double> kept = tensor_numbers(mask);
    for (size_t i = 0; i < kept.size(); ++i) weight.data[i] = static_cast<float>(weight.data[i] * kept[i]);
    return weight;
}

void check_parts(const Split& split, const StateTensor& first, const StateTensor& second, const std::string& where) {
    const Shape &a = first.view.shape, &b = second.view.shape;
    const bool pruning = split.composition == Composition::pruned;
    const bool complex = second.view.type == TensorType::complex64 || second.view.type == TensorType::complex128;
    const bool types = is_real(first.view.type) && (pruning ? !complex : is_real(second.view.type));
    if (types && (pruning ? a == b : is_norm_of(a, b))) return;
    throw InputError(fmt::format("{}: {}, {}, and {}, {}, are no parts of one weight by their shapes and types: {}",
                                 where, shown(first.from), shape_text(a), shown(second.from), shape_text(b),
                                 pruning ? "expected a weight and its mask of the same shape"
                                         : "expected weight_norm's g, with one extent of v's, and v"));
}

/// What spectral_norm leaves: weight_orig with weight_u, or parametrizations.weight.0._u.
void refuse_spectral_norm(const StateTensor& tensor, const std::map<std::string, size_t>& places,
                          const std::string& where) {
    const std::string& name = tensor.name;
    const bool old_form = name.ends_with("_u") && places.contains(name.substr(0, name.size() - 2) + "_orig");
    const bool new_form = leaf_of(name) == "_u" && ("." + name).find(kParametrised) != std::string::npos;
    if (!old_form && !new_form) return;
    const std::string module =
        old_form ? stem_of(name) : name.substr(0, ("." + name).find(kParametrised) - (new_form ? 1 : 0));
    throw InputError(
        fmt::format("{}: {} says that spectral_norm has split a weight of the module {}: make it one tensor by "
                    "torch.nn.utils.{} before saving",
                    where, shown(tensor.from), shown(module),
                    old_form ? "remove_spectral_norm" : "parametrize.remove_parametrizations"));
}

}  // namespace

void join_parts(StateDict& state, const std::string& where) {
    std::map<std::string, size_t> places;
    for (size_t i = 0; i < state.tensors.size(); ++i) places.emplace(state.tensors[i].name, i);
    for (const StateTensor& tensor : state.tensors) refuse_spectral_norm(tensor, places, where);
    std::vector<bool> gone(state.tensors.size(), false);
    for (size_t i = 0; i < state.tensors.size(); ++i) {
        const std::optional<Split> split = split_of(state.tensors[i].name);
        const auto first = split ? places.find(split->first) : places.end();
        if (first == places.end() || places.contains(split->name)) continue;
        StateTensor &a = state.tensors[first->second], &b = state.tensors[i];
        check_parts(*split, a, b, where);
        const bool pruning = split->composition == Composition::pruned;
        if (leaf_of(b.name) == "original1")
            state.assumptions.push_back(
                fmt::format("{} and {} were taken as weight_norm's g and v.", shown(a.from), shown(b.from)));
        const size_t kept = std::min(first->second, i);
        StateTensor whole{split->name, split->name,        pruning ? a.view : b.view,
                          a.module,    split->composition, {{a.from, a.view}, {b.from, b.view}}};
        gone[std::max(first->second, i)] = true;
        state.tensors[kept] = std::move(whole);
    }
    size_t next = 0;
    std::erase_if(state.tensors, [&](const StateTensor&) { return gone[next++]; });
}

FloatArray weight_values(const StateTensor& tensor) {
    switch (tensor.composition) {
        case Composition::pruned:
            return pruned(tensor.parts[0].view, tensor.parts[1].view);
        case Composition::weight_norm:
            return weight_norm(tensor.parts[0].view, tensor.parts[1].view);
        default:
            return tensor_values(tensor.view);
    }
}

std::string composition_text(const StateTensor& tensor) {
    if (tensor.composition == Composition::stored) return "";
    const std::string first = shown(tensor.parts[0].from), second = shown(tensor.parts[1].from);
    return tensor.composition == Composition::pruned ? fmt::format("pruned: {} · {}", first, second)
                                                     : fmt::format("weight_norm: {1} · ({0} / ‖{1}‖)", first, second);
}

}  // namespace spikelens

#include "weight_matching.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"

#include "pickle_globals.h"
#include "place_order.h"
#include "weight_roles.h"

namespace spikelens {
namespace {

constexpr size_t names_in_note = 10;

class Matcher {
  public:
    Matcher(const StateDict& state, const std::vector<size_t>& weights, Network& network, const std::string& where)
        : state_(state), weights_(weights), network_(network), where_(where), numbers_(names(state, weights)) {
        result_.plan.resize(state.tensors.size());
    }

    MatchedWeights run(const WeightOptions& options) {
        for (const auto& [layer, module] : options.layers) place_as_told(layer, module);
        const SlotNames own = own_names(network_), vgg = vgg_names(network_);
        const bool named = all_known(own) || all_known(vgg), torchvision = !any_known(own) && any_known(vgg);
        if (options.match == MatchWeights::by_order)
            by_order();
        else if (options.match == MatchWeights::by_name || named)
            by_name(torchvision ? vgg : own, torchvision);
        else
            by_shape();
        for (const size_t i : weights_)
            if (!result_.plan[i]) refuse_stranger(i);
        require_complete();
        return std::move(result_);
    }

  private:
    using Layers = std::vector<Layer*>;

    static std::vector<std::string> names(const StateDict& state, const std::vector<size_t>& weights) {
        std::vector<std::string> names;
        for (const size_t i : weights) names.push_back(state.tensors[i].name);
        return names;
    }
    [[noreturn]] void fail(const std::string& what) const { throw InputError(where_ + ": " + what); }
    const StateTensor& tensor(size_t i) const { return state_.tensors[i]; }
    std::string shown_name(size_t i) const { return shown(tensor(i).from); }
    bool is_matrix(size_t i) const { return tensor(i).view.shape.size() >= 2; }

    bool all_known(const SlotNames& names) const {
        return std::ranges::all_of(weights_, [&](size_t i) { return result_.plan[i] || names.contains(tensor(i).name); });
    }
    bool any_known(const SlotNames& names) const {
        return std::ranges::any_of(weights_, [&](size_t i) { return names.contains(tensor(i).name); });
    }
    bool is_filled(const Layer& layer) const {
        return std::ranges::any_of(result_.plan,
                                   [&](const auto& slot) { return slot && slot->layer == &layer && !slot->bias; });
    }
    Layers open_layers() const {
        Layers open;
        for (Layer& layer : network_.layers)
            if (layer.weighted() && !is_filled(layer)) open.push_back(&layer);
        return open;
    }
    std::vector<size_t> open_matrices() const {
        std::vector<size_t> matrices;
        for (const size_t i : weights_)
            if (is_matrix(i) && !result_.plan[i]) matrices.push_back(i);
        return matrices;
    }

    void place(size_t i, const WeightSlot& slot) {
        require_shape(tensor(i), slot);
        result_.plan[i] = slot;
    }
    /// A weight, and the bias that its name goes with.
    void place_weight(size_t i, Layer& layer) {
        place(i, {&layer, false});
        const std::string bias = bias_name(tensor(i).name);
        for (const size_t j : weights_)
            if (tensor(j).name == bias) place(j, {&layer, true});
    }

    void place_as_told(const std::string& layer_name, const std::string& module) {
        const auto layer = std::ranges::find(network_.layers, layer_name, &Layer::name);
        std::vector<std::string> known;
        for (const Layer& one : network_.layers)
            if (one.weighted()) known.push_back(one.name);
        if (layer == network_.layers.end() || !layer->weighted())
            fail(fmt::format("the network has no layer '{}' to fill from {}{}", shown(layer_name), shown(module),
                             suggestion(layer_name, known)));
        known.clear();
        for (const size_t i : weights_) {
            const std::string& name = tensor(i).name;
            if (tensor(i).from == module || name == module || stem_of(name) == module || stem_of(tensor(i).from) == module) {
                if (!is_matrix(i)) continue;
                if (result_.plan[i]) fail(fmt::format("{} is to fill two layers", shown_name(i)));
                return place_weight(i, *layer);
            }
            if (is_matrix(i)) known.push_back(stem_of(name).empty() ? name : stem_of(name));
        }
        fail(fmt::format("it has no weight of '{}' to fill {} from{}", shown(module), layer_name, suggestion(module, known)));
    }

    void by_name(const SlotNames& names, bool torchvision) {
        result_.assumptions.emplace_back(torchvision
                                             ? "Tensors were matched by the names that torchvision gives a VGG's layers."
                                             : "Tensors were matched by the names of the network's layers.");
        std::vector<std::string> known;
        for (const auto& [name, slot] : names) known.push_back(name);
        for (const size_t i : weights_) {
            if (result_.plan[i]) continue;
            const auto slot = names.find(tensor(i).name);
            if (slot == names.end()) fail(described(tensor(i)) + " belongs to no layer" + suggestion(tensor(i).name, known));
            if (is_matrix(i) && is_filled(*slot->second.layer))
                fail(fmt::format("{} and another tensor are both to fill {}", described(tensor(i)), slot->second.name()));
            place(i, slot->second);
        }
    }

    void by_shape() {
        std::map<Shape, std::vector<size_t>> tensors;
        std::map<Shape, Layers> layers;
        for (Layer* layer : open_layers()) layers[WeightSlot{layer, false}.shape()].push_back(layer);
        for (const size_t i : open_matrices()) {
            if (!layers.contains(tensor(i).view.shape)) refuse_shape(i);
            tensors[tensor(i).view.shape].push_back(i);
        }
        note_shapes();
        for (auto& [shape, group] : tensors) {
            require_count(shape, group, layers[shape]);
            const std::vector<size_t> order = in_order(group);
            for (size_t k = 0; k < order.size(); ++k) place_weight(group[order[k]], *layers[shape][k]);
        }
        place_numbered_biases();
        note_against_numbers();
    }

    std::vector<size_t> in_order(const std::vector<size_t>& group) {
        std::vector<NamedPlace> places;
        for (const size_t i : group) places.push_back({tensor(i).name, tensor(i).module});
        const SortedPlaces sorted = sorted_places(places, numbers_, [&](size_t a, size_t b, const std::string& why) {
            fail(
                fmt::format("{} and {} have the same shape, {}, and {}: say which layer each fills, or that the order in the "
                            "file is that of the layers",
                            shown_name(group[a]), shown_name(group[b]), shape_text(tensor(group[a]).view.shape), why));
        });
        if (group.size() > 1) note_order(group, sorted);
        return sorted.order;
    }

    /// "p0, p1, p2, …": a vector after a matrix is its bias where their names are in order; else nothing says what it is.
    void place_numbered_biases() {
        if (weights_.size() > 2 * network_.layers.size()) return;  // some are strangers
        for (const size_t vector : weights_) {
            if (is_matrix(vector) || result_.plan[vector]) continue;
            std::optional<size_t> owner;
            for (const size_t i : weights_) {
                if (!is_matrix(i) || numbers_.order(tensor(i).name, tensor(vector).name) != NameOrder::first_before) continue;
                if (!owner || numbers_.order(tensor(*owner).name, tensor(i).name) == NameOrder::first_before) owner = i;
            }
            if (!owner || !bias_name(tensor(*owner).name).empty() || !bias_may_follow(vector, *owner)) continue;
            place(vector, {result_.plan[*owner]->layer, true});
        }
    }
    /// Whether nothing stands between a matrix and the vector after it, by their numbers.
    bool bias_may_follow(size_t vector, size_t matrix) const {
        return std::ranges::none_of(weights_, [&](size_t i) {
            return i != vector && i != matrix &&
                   numbers_.order(tensor(matrix).name, tensor(i).name) == NameOrder::first_before &&
                   numbers_.order(tensor(i).name, tensor(vector).name) == NameOrder::first_before;
        });
    }

    void note_shapes() {
        const SlotNames own = own_names(network_);
        const auto stranger = std::ranges::find_if(weights_, [&](size_t i) { return !own.contains(tensor(i).name); });
        result_.assumptions.push_back(fmt::format("Tensors were matched to layers by their shapes: {} is no name of a layer.",
                                                  stranger == weights_.end() ? "one" : shown_name(*stranger)));
    }
    void note_order(const std::vector<size_t>& group, const SortedPlaces& sorted) {
        std::string names;
        for (size_t k = 0; k < std::min(group.size(), names_in_note); ++k)
            names += (k > 0 ? ", " : "") + shown_name(group[sorted.order[k]]);
        result_.assumptions.push_back(fmt::format("Of the shape {} there are {}, which {}: {}{}.",
                                                  shape_text(tensor(group[0]).view.shape), group.size(),
                                                  sorted.by_definition ? "stand in the order in which the model defines them"
                                                                       : "the numbers in their names put in order",
                                                  names, group.size() > names_in_note ? ", …" : ""));
    }
    /// Shapes leave one way alone, and it is not that of the numbers.
    void note_against_numbers() {
        std::map<const Layer*, size_t> weight_of;
        for (size_t i = 0; i < result_.plan.size(); ++i)
            if (result_.plan[i] && !result_.plan[i]->bias) weight_of[result_.plan[i]->layer] = i;
        const std::vector<Layer>& layers = network_.layers;
        for (size_t k = 1; k < layers.size(); ++k) {
            const auto first = weight_of.find(&layers[k - 1]), second = weight_of.find(&layers[k]);
            if (first == weight_of.end() || second == weight_of.end()) continue;
            const StateTensor &a = tensor(first->second), &b = tensor(second->second);
            if (numbers_.order(a.name, b.name) == NameOrder::second_before)
                result_.assumptions.push_back(fmt::format(
                    "{} comes before {}, against their numbers: their shapes fit no other way.", shown(a.from), shown(b.from)));
        }
    }

    void by_order() {
        result_.assumptions.emplace_back(
            "Tensors were matched to layers by their order in the file and their shapes: this was asked for.");
        const std::vector<size_t> matrices = open_matrices();
        const Layers layers = open_layers();
        require_numbers_in_order(
            {matrices.begin(), matrices.begin() + static_cast<std::ptrdiff_t>(std::min(matrices.size(), layers.size()))});
        for (size_t k = 0; k < std::min(matrices.size(), layers.size()); ++k) {
            place_weight(matrices[k], *layers[k]);
            if (!bias_name(tensor(matrices[k]).name).empty()) continue;
            const auto next = std::ranges::upper_bound(weights_, matrices[k]);
            if (next != weights_.end() && !is_matrix(*next)) place(*next, {layers[k], true});
        }
    }
    void require_numbers_in_order(const std::vector<size_t>& matrices) const {
        for (size_t b = 1; b < matrices.size(); ++b)
            for (size_t a = 0; a < b; ++a) {
                const StateTensor &first = tensor(matrices[a]), &second = tensor(matrices[b]);
                if (first.view.shape == second.view.shape &&
                    numbers_.order(first.name, second.name) == NameOrder::second_before)
                    fail(fmt::format(
                        "{} stands before {} in the file, but the numbers in their names say the opposite, and they "
                        "have the same shape: say which layer each fills",
                        shown(first.from), shown(second.from)));
            }
    }

    void require_shape(const StateTensor& tensor, const WeightSlot& slot) const {
        if (!slot.wanted())
            fail(fmt::format("{} is the bias of {}, which the network text gives none: drop its b0", described(tensor),
                             slot.layer->name));
        if (tensor.view.shape != slot.shape())
            fail(fmt::format("the tensor {} has shape {}, but {} has {}", shown(tensor.from), shape_text(tensor.view.shape),
                             slot.name(), shape_text(slot.shape())));
    }

    /// Of a tensor whose shape no layer has: beside the first layer whose shape no tensor has.
    [[noreturn]] void refuse_shape(size_t i) const {
        const std::vector<size_t> matrices = open_matrices();
        for (Layer* layer : open_layers()) {
            const WeightSlot slot{layer, false};
            const auto fits = [&](size_t j) { return tensor(j).view.shape == slot.shape(); };
            if (matrices.size() <= network_.layers.size() && std::ranges::none_of(matrices, fits))
                require_shape(tensor(i), slot);
        }
        refuse_stranger(i);
    }

    [[noreturn]] void refuse_stranger(size_t i) const {
        fail(fmt::format("{} belongs to no layer of {}", described(tensor(i)), network_text(network_)));
    }

    void require_count(const Shape& shape, const std::vector<size_t>& group, const Layers& layers) const {
        if (group.size() == layers.size()) return;
        std::string names;
        for (const Layer* layer : layers) names += (names.empty() ? "" : ", ") + layer->name;
        if (group.size() < layers.size())
            fail(fmt::format("it holds no tensor for every layer of shape {}: {} for {}", shape_text(shape), group.size(),
                             names));
        fail(
            fmt::format("{} and {} both fit {}, {}, and one of them belongs to no layer: say which fills it, and save the "
                        "weights without the other",
                        shown_name(group[0]), shown_name(group[1]), names, shape_text(shape)));
    }

    void require_complete() const {
        std::set<std::string> filled;
        for (const auto& slot : result_.plan)
            if (slot) filled.insert(slot->name());
        for (Layer& layer : network_.layers)
            for (const WeightSlot& slot : {WeightSlot{&layer, false}, WeightSlot{&layer, true}})
                if (layer.weighted() && slot.wanted() && !filled.contains(slot.name()))
                    fail(fmt::format("it holds no tensor for {}, {}{}", slot.name(), shape_text(slot.shape()),
                                     slot.bias ? ": if " + layer.name + " has no bias, the network text says so with b0" : ""));
    }

    const StateDict& state_;
    const std::vector<size_t>& weights_;
    Network& network_;
    std::string where_;
    NameNumbers numbers_;  ///< of the names of all weights and biases
    MatchedWeights result_;
};

}  // namespace

MatchedWeights match_weights(const StateDict& state, const std::vector<size_t>& weights, Network& network,
                             const WeightOptions& options, const std::string& where) {
    return Matcher(state, weights, network, where).run(options);
}

}  // namespace spikelens

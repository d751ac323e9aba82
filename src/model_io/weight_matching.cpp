#include "weight_matching.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/core/number.h"

#include "branch_order.h"
#include "pickle_globals.h"
#include "place_order.h"
#include "recurrent_names.h"
#include "weight_roles.h"
#include "weight_shapes.h"

namespace spikelens {
namespace {

constexpr size_t kNamesInNote = 10;

class Matcher {
  public:
    Matcher(const StateDict& state, const std::vector<size_t>& weights, Network& network, const std::string& where)
        : state_(state), weights_(weights), network_(network), where_(where), numbers_(names(state, weights)) {
        result_.plan.resize(state.tensors.size());
    }

    MatchedWeights run(const WeightOptions& options) {
        for (const auto& [key, module] : options.layers)
            if (!key.ends_with(".norm")) place_as_told(key, module);
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
    SlotPart part_of(size_t i) const { return slot_part(tensor(i)); }
    bool is_matrix(size_t i) const { return part_of(i) == SlotPart::weight || part_of(i) == SlotPart::recurrent; }

    bool all_known(const SlotNames& names) const {
        return std::ranges::all_of(weights_,
                                   [&](size_t i) { return result_.plan[i] || names.contains(tensor(i).name); });
    }
    bool any_known(const SlotNames& names) const {
        return std::ranges::any_of(weights_, [&](size_t i) { return names.contains(tensor(i).name); });
    }
    bool is_filled(const Layer& layer, SlotPart part) const {
        return (part == SlotPart::recurrent && constant_.contains(&layer)) ||
               std::ranges::any_of(
                   result_.plan, [&](const auto& slot) { return slot && slot->layer == &layer && slot->part == part; });
    }
    static bool has(const Layer& layer, SlotPart part) {
        return part == SlotPart::weight ? layer.weighted() : layer.recurrence.kind != RecurrenceKind::none;
    }
    Layers open_layers(SlotPart part) const {
        Layers open;
        for (Layer& layer : network_.layers)
            if (has(layer, part) && !is_filled(layer, part)) open.push_back(&layer);
        return open;
    }
    std::vector<size_t> open_matrices(SlotPart part) const {
        std::vector<size_t> matrices;
        for (const size_t i : weights_)
            if (part_of(i) == part && !result_.plan[i]) matrices.push_back(i);
        return matrices;
    }
    void place(size_t i, const WeightSlot& slot) {
        require_shape(tensor(i), slot, where_);
        result_.plan[i] = slot;
    }
    /// A weight, and the bias that its name goes with.
    void place_weight(size_t i, Layer& layer) {
        const bool recurrent = part_of(i) == SlotPart::recurrent;
        place(i, {&layer, part_of(i)});
        const std::string bias = bias_name(tensor(i).name);
        for (const size_t j : weights_)
            if (tensor(j).name == bias) place(j, {&layer, recurrent ? SlotPart::recurrent_bias : SlotPart::bias});
    }

    /// "full2" or "full2.recurrent" from a module.
    void place_as_told(const std::string& key, const std::string& module) {
        const bool recurrent = key.ends_with(".recurrent");
        const SlotPart part = recurrent ? SlotPart::recurrent : SlotPart::weight;
        const std::string layer_name = recurrent ? stem_of(key) : key;
        const auto layer = std::ranges::find(network_.layers, layer_name, &Layer::name);
        std::vector<std::string> known;
        for (const Layer& one : network_.layers)
            if (has(one, part)) known.push_back(one.name);
        if (layer == network_.layers.end() || !has(*layer, part))
            fail(fmt::format("the network has no layer '{}' to fill from {}{}", shown(layer_name), shown(module),
                             suggestion(layer_name, known)));
        known.clear();
        for (const size_t i : weights_) {
            const std::string& name = tensor(i).name;
            if (part_of(i) != part) continue;
            if (tensor(i).from == module || name == module || stem_of(name) == module ||
                stem_of(tensor(i).from) == module || (recurrent && stem_of(stem_of(name)) == module)) {
                if (result_.plan[i]) fail(fmt::format("{} is to fill two layers", shown_name(i)));
                return place_weight(i, *layer);
            }
            known.push_back(stem_of(name).empty() ? name : stem_of(name));
        }
        if (recurrent && take_constant(*layer, module)) return;
        fail(fmt::format("it has no weight of '{}' to fill {} from{}", shown(module), key, suggestion(module, known)));
    }
    /// "full2.recurrent=1": what a library adds without a weight (SpikingJelly's ElementWiseRecurrentContainer).
    bool take_constant(Layer& layer, const std::string& number) {
        const auto value = number_in<float>(number);
        if (!value || !std::isfinite(*value)) return false;
        std::ranges::fill(layer.recurrence.weight.data, *value);
        constant_.insert(&layer);
        result_.assumptions.push_back(
            fmt::format("The recurrent weights of {} are {}: this was asked for.", layer.name, number));
        return true;
    }

    void by_name(const SlotNames& names, bool torchvision) {
        result_.assumptions.emplace_back(
            torchvision ? "Tensors were matched by the names that torchvision gives a VGG's layers."
                        : "Tensors were matched by the names of the network's layers.");
        std::vector<std::string> known;
        for (const auto& [name, slot] : names) known.push_back(name);
        for (const size_t i : weights_) {
            if (result_.plan[i]) continue;
            const auto slot = names.find(tensor(i).name);
            if (slot == names.end())
                fail(described(tensor(i)) + " belongs to no layer" + suggestion(tensor(i).name, known));
            if (is_filled(*slot->second.layer, slot->second.part))
                fail(fmt::format("{} and another tensor are both to fill {}", described(tensor(i)),
                                 slot->second.name()));
            place(i, slot->second);
        }
    }

    void by_shape() {
        note_shapes();
        place_by_shape(SlotPart::weight);
        require_order_of_branches();
        place_by_shape(SlotPart::recurrent);
        place_numbered_biases();
        note_against_numbers();
    }
    void place_by_shape(SlotPart part) {
        std::map<Shape, std::vector<size_t>> tensors;
        std::map<Shape, Layers> layers;
        for (Layer* layer : open_layers(part)) layers[matched_shape(WeightSlot{layer, part})].push_back(layer);
        for (const size_t i : open_matrices(part)) {
            const Shape shape = matched_shape(tensor(i));
            if (!layers.contains(shape)) refuse_shape(i);
            tensors[shape].push_back(i);
        }
        for (auto& [shape, group] : tensors) {
            require_count(shape, group, layers[shape]);
            const std::vector<size_t> order = in_order(group);
            for (size_t k = 0; k < order.size(); ++k) place_weight(group[order[k]], *layers[shape][k]);
            for (size_t k = 1; part == SlotPart::weight && k < order.size(); ++k)
                if (!reaches(network_, *layers[shape][k - 1], *layers[shape][k]))
                    branches_.emplace_back(layers[shape][k - 1], layers[shape][k]);
        }
        if (part == SlotPart::weight)
            for (const auto& [shape, group] : tensors) require_numbers_of_layers(group);
    }
    /// Numbers alone put weights of one shape in order only where they are not against what the other shapes say.
    void require_numbers_of_layers(const std::vector<size_t>& group) const {
        if (group.size() < 2 || std::ranges::all_of(group, [&](size_t i) { return tensor(i).module.has_value(); }))
            return;
        for (const auto& [layer, other] : weights_of_layers())
            for (const size_t i : group)
                for (const auto& [a, b] : {std::pair(i, other), std::pair(other, i)})
                    if (std::ranges::find(group, other) == group.end() &&
                        numbers_.order(tensor(a).name, tensor(b).name) == NameOrder::second_before &&
                        reaches(network_, *result_.plan[a]->layer, *result_.plan[b]->layer))
                        fail(fmt::format(
                            "{} and {} have the same shape, {}, and the numbers in their names are no sign of their "
                            "order: by its shape, {} comes before {}: say which layer each fills",
                            shown_name(group[0]), shown_name(group[1]), shape_text(tensor(i).view.shape), shown_name(a),
                            shown_name(b)));
    }
    /// Layers of one shape in parallel branches are in the text's order only where everything else is.
    void require_order_of_branches() const {
        std::map<const Layer*, const StateTensor*> filled;
        for (const auto& [layer, i] : weights_of_layers()) filled[layer] = &tensor(i);
        if (const std::string fault = branch_fault(branches_, filled, numbers_); !fault.empty()) fail(fault);
    }
    /// In the order of the layers.
    std::map<const Layer*, size_t> weights_of_layers() const {
        std::map<const Layer*, size_t> weight_of;
        for (size_t i = 0; i < result_.plan.size(); ++i)
            if (result_.plan[i] && result_.plan[i]->part == SlotPart::weight) weight_of[result_.plan[i]->layer] = i;
        return weight_of;
    }

    std::vector<size_t> in_order(const std::vector<size_t>& group) {
        std::vector<NamedPlace> places;
        for (const size_t i : group) places.push_back({tensor(i).name, tensor(i).module});
        const SortedPlaces sorted = sorted_places(places, numbers_, [&](size_t a, size_t b, const std::string& why) {
            fail(fmt::format(
                "{} and {} have the same shape, {}, and {}: say which layer each fills, or that the order in the "
                "file is that of the layers",
                shown_name(group[a]), shown_name(group[b]), shape_text(tensor(group[a]).view.shape), why));
        });
        if (group.size() > 1) note_order(group, sorted);
        return sorted.order;
    }

    /// "p0, p1, p2, …": a vector after a matrix is its bias where their names are in order; else nothing says what it
    /// is.
    void place_numbered_biases() {
        if (weights_.size() > 2 * network_.layers.size()) return;  // some are strangers
        for (const size_t vector : weights_) {
            if (is_matrix(vector) || result_.plan[vector]) continue;
            std::optional<size_t> owner;
            for (const size_t i : weights_) {
                if (!is_matrix(i) || numbers_.order(tensor(i).name, tensor(vector).name) != NameOrder::first_before)
                    continue;
                if (!owner || numbers_.order(tensor(*owner).name, tensor(i).name) == NameOrder::first_before) owner = i;
            }
            if (!owner || !bias_name(tensor(*owner).name).empty() || !bias_may_follow(vector, *owner)) continue;
            place(vector, {result_.plan[*owner]->layer, SlotPart::bias});
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
        result_.assumptions.push_back(
            fmt::format("Tensors were matched to layers by their shapes: {} is no name of a layer.",
                        stranger == weights_.end() ? "one" : shown_name(*stranger)));
    }
    void note_order(const std::vector<size_t>& group, const SortedPlaces& sorted) {
        std::string names;
        for (size_t k = 0; k < std::min(group.size(), kNamesInNote); ++k)
            names += (k > 0 ? ", " : "") + shown_name(group[sorted.order[k]]);
        result_.assumptions.push_back(fmt::format(
            "Of the shape {} there are {}, which {}: {}{}.", shape_text(tensor(group[0]).view.shape), group.size(),
            sorted.by_definition ? "stand in the order in which the model defines them"
                                 : "the numbers in their names put in order",
            names, group.size() > kNamesInNote ? ", …" : ""));
    }
    /// Shapes leave one way alone, and it is not that of the numbers.
    void note_against_numbers() {
        const std::map<const Layer*, size_t> weight_of = weights_of_layers();
        const std::vector<Layer>& layers = network_.layers;
        for (size_t k = 1; k < layers.size(); ++k) {
            const auto first = weight_of.find(&layers[k - 1]), second = weight_of.find(&layers[k]);
            if (first == weight_of.end() || second == weight_of.end()) continue;
            const StateTensor &a = tensor(first->second), &b = tensor(second->second);
            if (numbers_.order(a.name, b.name) == NameOrder::second_before)
                result_.assumptions.push_back(
                    fmt::format("{} comes before {}, against their numbers: their shapes fit no other way.",
                                shown(a.from), shown(b.from)));
        }
    }

    void by_order() {
        result_.assumptions.emplace_back(
            "Tensors were matched to layers by their order in the file and their shapes: this was asked for.");
        for (const SlotPart part : {SlotPart::weight, SlotPart::recurrent}) {
            const std::vector<size_t> matrices = open_matrices(part);
            const Layers layers = open_layers(part);
            const size_t count = std::min(matrices.size(), layers.size());
            require_numbers_in_order({matrices.begin(), matrices.begin() + static_cast<std::ptrdiff_t>(count)});
            for (size_t k = 0; k < count; ++k) {
                place_weight(matrices[k], *layers[k]);
                if (!bias_name(tensor(matrices[k]).name).empty()) continue;
                const auto next = std::ranges::upper_bound(weights_, matrices[k]);
                if (next != weights_.end() && part_of(*next) == SlotPart::bias)
                    place(*next, {layers[k], SlotPart::bias});
            }
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

    /// Of a tensor whose shape no layer has: beside the first layer whose shape no tensor has.
    [[noreturn]] void refuse_shape(size_t i) const {
        const std::vector<size_t> matrices = open_matrices(part_of(i));
        for (Layer* layer : open_layers(part_of(i))) {
            const WeightSlot slot{layer, part_of(i)};
            const auto fits = [&](size_t j) { return matched_shape(tensor(j)) == matched_shape(slot); };
            if (matrices.size() <= network_.layers.size() && std::ranges::none_of(matrices, fits))
                require_shape(tensor(i), slot, where_);
        }
        refuse_stranger(i);
    }

    [[noreturn]] void refuse_stranger(size_t i) const {
        refuse_lone_bias(tensor(i), state_, where_);
        const char* const recurrent =
            " is of a recurrent connection, and belongs to no recurrent layer (R, R1, RC3) of ";
        fail(described(tensor(i)) + (is_recurrent(tensor(i).name) ? recurrent : " belongs to no layer of ") +
             network_text(network_));
    }

    void require_count(const Shape& shape, const std::vector<size_t>& group, const Layers& layers) const {
        if (group.size() == layers.size()) return;
        std::string names;
        for (const Layer* layer : layers) names += (names.empty() ? "" : ", ") + layer->name;
        if (group.size() < layers.size())
            fail(fmt::format("it holds no tensor for every layer of shape {}: {} for {}", shape_text(shape),
                             group.size(), names));
        fail(fmt::format(
            "{} and {} both fit {}, {}, and one of them belongs to no layer: say which fills it, and save the "
            "weights without the other",
            shown_name(group[0]), shown_name(group[1]), names, shape_text(shape)));
    }

    void require_complete() const {
        for (const SlotPart part : {SlotPart::weight, SlotPart::recurrent})
            for (Layer* layer : open_layers(part)) {
                const WeightSlot slot{layer, part};
                fail(fmt::format("it holds no tensor for {}, {}", slot.name(), shape_text(slot.shape())));
            }
    }

    const StateDict& state_;
    const std::vector<size_t>& weights_;
    Network& network_;
    std::string where_;
    NameNumbers numbers_;              ///< of the names of all weights and biases
    std::set<const Layer*> constant_;  ///< whose recurrent weights were told as a number
    AlikeLayers branches_;
    MatchedWeights result_;
};

}  // namespace

MatchedWeights match_weights(const StateDict& state, const std::vector<size_t>& weights, Network& network,
                             const WeightOptions& options, const std::string& where) {
    return Matcher(state, weights, network, where).run(options);
}

}  // namespace spikelens

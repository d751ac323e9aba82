#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/core/nearest.h"
#include "spikelens/model_io/import.h"

#include "pickle_globals.h"
#include "state_dict.h"
#include "weight_names.h"

namespace spikelens {
namespace {

/// Which slot each of the state dict's tensors goes to, in its order; nothing for those left out.
using Plan = std::vector<std::optional<WeightSlot>>;

class Import {
  public:
    Import(const std::filesystem::path& path, Network network) : where_(path.string()), state_(read_state_dict(path)) {
        result_.network = std::move(network);
        result_.format = state_.format;
        result_.assumptions = state_.assumptions;
    }

    ImportedNetwork run(MatchWeights match) {
        for (size_t i = 0; i < state_.tensors.size(); ++i)
            if (note_if_left_out(state_.tensors[i]).empty()) weights_.push_back(i);
        if (weights_.empty()) throw InputError(where_ + " holds no weights: none of its tensors is one");
        const Plan plan = choose_plan(match);
        require_complete(plan);
        for (size_t i = 0; i < plan.size(); ++i) result_.tensors.push_back(place(state_.tensors[i], plan[i]));
        result_.tensors.insert(result_.tensors.end(), state_.left_out.begin(), state_.left_out.end());
        result_.assumptions.emplace_back(
            "Neurons, pools, strides, paddings and steps are the network text's: a file of weights does not hold them.");
        check_network(result_.network, where_);
        return std::move(result_);
    }

  private:
    [[noreturn]] void fail(const std::string& what) const { throw InputError(where_ + ": " + what); }

    /// "the tensor fc1.weight, [10, 4],"
    static std::string described(const StateTensor& tensor) {
        return fmt::format("the tensor {}, {},", shown(tensor.from), shape_text(tensor.view.shape));
    }

    /// "" for a weight or bias. Throws for what changes the network but has no place in it.
    std::string note_if_left_out(const StateTensor& tensor) const {
        const std::string leaf = leaf_of(tensor.name);
        if (leaf == "running_mean" || leaf == "running_var")
            fail(described(tensor) +
                 " belongs to a batch normalisation, which a network has no layer for: fold it into the layer before it");
        if (tensor.name.starts_with("recurrent.") || tensor.name.find(".recurrent.") != std::string::npos)
            fail(described(tensor) + " is a recurrent connection; networks here are feed-forward");
        if (!is_real(tensor.view.type)) {
            if (leaf == "weight" || leaf == "bias")
                fail(fmt::format("{} is of type {}; expected float32, float16, bfloat16 or float64", described(tensor),
                                 type_name(tensor.view.type)));
            return fmt::format("no weight: {}", type_name(tensor.view.type));
        }
        if (!is_neuron_parameter(tensor.name, tensor.view.shape)) return "";
        const bool single = element_count(tensor.view.shape) == 1;
        const std::string value = single ? fmt::format(" ({})", tensor_values(tensor.view).data[0]) : "";
        return fmt::format("a neuron's{}: the network text says what its neurons do", value);
    }

    bool all_known(const SlotNames& names) const {
        return std::ranges::all_of(weights_, [&](size_t i) { return names.contains(state_.tensors[i].name); });
    }
    bool any_known(const SlotNames& names) const {
        return std::ranges::any_of(weights_, [&](size_t i) { return names.contains(state_.tensors[i].name); });
    }

    Plan choose_plan(MatchWeights match) {
        const SlotNames own = own_names(result_.network), vgg = vgg_names(result_.network);
        if (match == MatchWeights::automatic && !all_known(own) && !all_known(vgg)) {
            const auto stranger = std::ranges::find_if(
                weights_, [&](size_t i) { return !(any_known(vgg) ? vgg : own).contains(state_.tensors[i].name); });
            note_order(fmt::format("{} is no name of a layer", shown(state_.tensors[*stranger].from)));
            return by_order();
        }
        if (match == MatchWeights::by_order) {
            note_order("this was asked for");
            return by_order();
        }
        const bool torchvision = !any_known(own) && any_known(vgg);
        result_.assumptions.emplace_back(torchvision
                                             ? "Tensors were matched by the names that torchvision gives a VGG's layers."
                                             : "Tensors were matched by the names of the network's layers.");
        return by_name(torchvision ? vgg : own);
    }

    void note_order(const std::string& reason) {
        result_.assumptions.push_back(
            fmt::format("Tensors were matched to layers by their order in the file and their shapes: {}.", reason));
        if (state_.format == "safetensors")
            result_.assumptions.emplace_back(
                "The order of a safetensors file is often that of the alphabet: see the table of tensors for whether it is the "
                "layers'.");
    }

    Plan by_name(const SlotNames& names) const {
        std::vector<std::string> known;
        for (const auto& [name, slot] : names) known.push_back(name);
        Plan plan(state_.tensors.size());
        for (const size_t i : weights_) {
            const auto slot = names.find(state_.tensors[i].name);
            if (slot == names.end())
                fail(described(state_.tensors[i]) + " belongs to no layer" + suggestion(state_.tensors[i].name, known));
            plan[i] = slot->second;
        }
        return plan;
    }

    Plan by_order() {
        std::vector<size_t> matrices;
        for (const size_t i : weights_)
            if (state_.tensors[i].view.shape.size() >= 2) matrices.push_back(i);
        if (state_.format == "safetensors") require_natural_order(matrices);
        std::vector<Layer>& layers = result_.network.layers;
        Plan plan(state_.tensors.size());
        for (size_t k = 0; k < std::min(matrices.size(), layers.size()); ++k) {
            plan[matrices[k]] = {&layers[k], false};
            require_shape(state_.tensors[matrices[k]], *plan[matrices[k]]);
            if (const auto bias = bias_of(matrices[k])) plan[*bias] = {&layers[k], true};
        }
        for (const size_t i : weights_)
            if (!plan[i]) fail(described(state_.tensors[i]) + " belongs to no layer of " + network_text(result_.network));
        return plan;
    }

    /// The bias that goes with a weight: "fc.bias" with "fc.weight"; with other names the vector that follows.
    std::optional<size_t> bias_of(size_t weight) const {
        const std::string& name = state_.tensors[weight].name;
        if (leaf_of(name) == "weight") {
            const std::string stem = name.substr(0, name.size() - std::string_view("weight").size());
            for (const size_t i : weights_)
                if (state_.tensors[i].name == stem + "bias") return i;
            return std::nullopt;
        }
        const auto next = std::ranges::upper_bound(weights_, weight);
        const bool vector = next != weights_.end() && state_.tensors[*next].view.shape.size() == 1;
        return vector ? std::optional(*next) : std::nullopt;
    }

    void require_natural_order(const std::vector<size_t>& matrices) const {
        for (size_t k = 1; k < matrices.size(); ++k) {
            const std::string &first = state_.tensors[matrices[k - 1]].name, &second = state_.tensors[matrices[k]].name;
            if (numbers_out_of_order(first, second))
                fail(fmt::format(
                    "its tensors are sorted by letters, {} before {}, so that their order does not tell the layers; "
                    "name them as the network does, conv1.weight, or save a PyTorch file",
                    shown(first), shown(second)));
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

    void require_complete(const Plan& plan) {
        std::set<std::string> filled;
        for (size_t i = 0; i < plan.size(); ++i) {
            if (!plan[i]) continue;
            require_shape(state_.tensors[i], *plan[i]);
            filled.insert(plan[i]->name());
        }
        for (Layer& layer : result_.network.layers)
            for (const WeightSlot& slot : {WeightSlot{&layer, false}, WeightSlot{&layer, true}})
                if (slot.wanted() && !filled.contains(slot.name()))
                    fail(fmt::format("it holds no tensor for {}, {}{}", slot.name(), shape_text(slot.shape()),
                                     slot.bias ? ": if " + layer.name + " has no bias, the network text says so with b0" : ""));
    }

    ImportedTensor place(const StateTensor& tensor, const std::optional<WeightSlot>& slot) {
        if (!slot) return {tensor.from, "", tensor.view.shape, note_if_left_out(tensor)};
        FloatArray values = tensor_values(tensor.view);
        for (int64_t i = 0; i < values.size(); ++i)
            if (!std::isfinite(values.data[static_cast<size_t>(i)]))
                fail(fmt::format("{} for {} holds a value that is not finite{}, at element {}", described(tensor), slot->name(),
                                 tensor.view.type == TensorType::f64 ? " as float32" : "", i));
        (slot->bias ? slot->layer->bias : slot->layer->weight) = std::move(values);
        const bool same = tensor.view.type == TensorType::f32;
        return {tensor.from, slot->name(), tensor.view.shape,
                same ? "" : fmt::format("from {} to float32", type_name(tensor.view.type))};
    }

    std::string where_;
    StateDict state_;
    ImportedNetwork result_;
    std::vector<size_t> weights_;  ///< tensors that are weights or biases, in the order of the file
};

}  // namespace

ImportedNetwork import_weights(const std::filesystem::path& path, Network network, MatchWeights match) {
    return Import(path, std::move(network)).run(match);
}

}  // namespace spikelens

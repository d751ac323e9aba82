#include "weight_neurons.h"

#include <algorithm>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"

#include "neuron_values.h"
#include "pickle_globals.h"
#include "place_order.h"

namespace spikelens {
namespace {

/// A module of the file that holds parameters of a neuron.
struct FileNeuron {
    std::string stem;
    std::optional<size_t> module;
    std::vector<size_t> parameters;  ///< places in the state dict
};

constexpr int64_t kMostCompared = 1 << 20;

class NeuronImport {
  public:
    NeuronImport(const StateDict& state, const FilledModules& modules, Network& network, NeuronSource source,
                 std::string where)
        : state_(state), modules_(modules), network_(network), source_(source), where_(std::move(where)) {}

    std::map<size_t, NeuronUse> run(const std::vector<size_t>& parameters) {
        collect(parameters);
        if (!neurons_.empty() && needs_neurons()) {
            if (const auto layers = layers_of_neurons()) {
                for (size_t k = 0; k < neurons_.size(); ++k) use(neurons_[k], (*layers)[k]);
            } else if (source_ != NeuronSource::text) {
                require_agreement();
            }
        }
        for (const size_t i : parameters)
            notes_.try_emplace(i, NeuronUse{"", "a neuron's: the network text's neurons were asked for"});
        require_all_values();
        return notes_;
    }

  private:
    NeuronParameter parameter(size_t i) const { return {&state_.tensors[i], where_}; }

    bool needs_neurons() const {
        return source_ != NeuronSource::text ||
               std::ranges::any_of(network_.layers, [](const Layer& layer) { return !layer.values.empty(); });
    }

    void collect(const std::vector<size_t>& parameters) {
        std::map<std::string, size_t> known;
        for (const size_t i : parameters) {
            const StateTensor& tensor = state_.tensors[i];
            const auto [found, added] = known.emplace(stem_of(tensor.name), neurons_.size());
            if (added) neurons_.push_back({found->first, tensor.module, {}});
            neurons_[found->second].parameters.push_back(i);
        }
        // A threshold that is folded needs the reset, and resets come before values to reset to.
        const auto place = [&](size_t i) {
            const std::string_view field = parameter(i).field();
            return field == "threshold" ? 2 : field == "v_reset" ? 1 : 0;
        };
        for (FileNeuron& neuron : neurons_) std::ranges::stable_sort(neuron.parameters, {}, place);
    }

    /// The layer that a neuron's name or its recurrent weights tell.
    std::optional<size_t> told_layer(const FileNeuron& neuron) const {
        if (const auto found = modules_.recurrent.find(neuron.stem); found != modules_.recurrent.end())
            return found->second;
        const auto layer = std::ranges::find(network_.layers, stem_of(neuron.stem), &Layer::name);
        if (leaf_of(neuron.stem) != "neuron" || layer == network_.layers.end() || !layer->neuron) return std::nullopt;
        return layer - network_.layers.begin();
    }

    /// Which layer each neuron belongs to; nothing when that cannot be told.
    std::optional<std::vector<size_t>> layers_of_neurons() {
        std::vector<size_t> told;
        for (const FileNeuron& neuron : neurons_)
            if (const auto layer = told_layer(neuron)) told.push_back(*layer);
        if (told.size() == neurons_.size()) return told;
        auto found = after_their_weights();
        if (!found) found = by_number();
        for (size_t k = 0; found && k < neurons_.size(); ++k)
            if (const auto layer = told_layer(neurons_[k]); layer && *layer != (*found)[k])
                throw InputError(fmt::format(
                    "{}: the neuron {} belongs to {} by its recurrent weights, but to {} by its place among the "
                    "neurons",
                    where_, name_of(neurons_[k]), network_.layers[*layer].name, network_.layers[(*found)[k]].name));
        return found;
    }

    /// As many as there are, in order; with the last layer's readout where it leaks or the file has one more.
    std::optional<std::vector<size_t>> by_number() const {
        std::vector<size_t> layers;
        for (size_t l = 0; l < network_.layers.size(); ++l)
            if (network_.layers[l].neuron) layers.push_back(l);
        const Layer& last = network_.layers.back();
        if (!last.neuron && (last.leaks() || neurons_.size() > layers.size()))
            layers.push_back(network_.layers.size() - 1);
        if (neurons_.size() != layers.size()) return std::nullopt;
        const auto order = sorted();
        if (!order) return std::nullopt;
        std::vector<size_t> places(neurons_.size());
        for (size_t k = 0; k < order->size(); ++k) places[(*order)[k]] = layers[k];
        return places;
    }

    /// Numbers in one container: a neuron follows its weight, as 1 follows 0. Only when every neuron has its own.
    std::optional<std::vector<size_t>> after_their_weights() const {
        for (const Layer& layer : network_.layers)
            if (layer.neuron && !layer.weighted()) return std::nullopt;
        std::vector<std::string> names;
        std::vector<size_t> layers;
        for (const auto& [layer, module] : modules_.weights) names.push_back(module), layers.push_back(layer);
        const std::vector<std::string> weights = names;
        for (const FileNeuron& neuron : neurons_) names.push_back(neuron.stem);
        const NameNumbers numbers(names);
        for (size_t k = 1; k < weights.size(); ++k)
            if (numbers.order(weights[k - 1], weights[k]) != NameOrder::first_before) return std::nullopt;
        std::vector<size_t> places;
        for (const FileNeuron& neuron : neurons_) {
            size_t before = 0;
            for (const std::string& weight : weights) {
                const NameOrder order = numbers.order(weight, neuron.stem);
                if (order == NameOrder::unknown) return std::nullopt;
                before += order == NameOrder::first_before;
            }
            if (before == 0 || std::ranges::find(places, layers[before - 1]) != places.end()) return std::nullopt;
            places.push_back(layers[before - 1]);
        }
        return places;
    }

    std::optional<std::vector<size_t>> sorted() const {
        std::vector<NamedPlace> places;
        std::vector<std::string> names;
        for (const FileNeuron& neuron : neurons_) {
            places.push_back({neuron.stem, neuron.module});
            names.push_back(neuron.stem);
        }
        struct Unordered {};
        try {
            return sorted_places(places, NameNumbers(names),
                                 [](size_t, size_t, const std::string&) { throw Unordered(); })
                .order;
        } catch (const Unordered&) {
            return std::nullopt;
        }
    }

    /// A readout has no threshold to compare with: it stands for a neuron that is never reset, and for no other.
    void refuse_firing_readout(const FileNeuron& neuron, const Layer& readout) const {
        std::optional<size_t> threshold;
        for (const size_t i : neuron.parameters) {
            const std::string_view field = parameter(i).field();
            if (field == "reset" && agrees(parameter(i), readout)) return;
            if (field == "threshold") threshold = i;
        }
        if (threshold)
            parameter(*threshold)
                .fail(readout, "belongs to a neuron that fires, but the network text gives this layer a readout");
    }

    void use(const FileNeuron& neuron, size_t layer) {
        if (source_ != NeuronSource::text && !network_.layers[layer].neuron)
            refuse_firing_readout(neuron, network_.layers[layer]);
        for (const size_t i : neuron.parameters) {
            const NeuronParameter one = parameter(i);
            const Layer& own = network_.layers[layer];
            const std::string_view field = one.field();
            const bool asked = varies(own, field);  // by the network text
            const bool graded = field == kGradedSpikes && own.neuron && source_ != NeuronSource::text;
            if (source_ == NeuronSource::file || asked || graded) {
                const std::string note = take_over(one, network_, layer);
                notes_[i] = {own.name + "." + leaf_of(one.tensor->name), note_of(one, note)};
                filled_.emplace(layer, field);
            } else if (source_ == NeuronSource::agree) {
                if (!agrees(one, own)) refuse_contradiction(one, own);
                notes_[i] = {"", note_of(one, "the network text says the same of " + own.name)};
            }
        }
    }

    static std::string note_of(const NeuronParameter& parameter, const std::string& what) {
        const bool single = element_count(parameter.tensor->view.shape) == 1;
        const std::string value =
            single ? fmt::format(" ({})", NeuronParameter::text(tensor_numbers(parameter.tensor->view)[0])) : "";
        return fmt::format("a neuron's{}{}{}", value, what.empty() ? "" : ", ", what);
    }

    /// Nothing tells whose a neuron is: then it must not matter.
    void require_agreement() {
        for (const FileNeuron& neuron : neurons_)
            for (const size_t i : neuron.parameters) {
                const NeuronParameter one = parameter(i);
                if (element_count(one.tensor->view.shape) > kMostCompared) refuse_unknown(neuron);
                for (const Layer& layer : network_.layers)
                    if (layer.neuron && !agrees_if_it_fits(one, layer)) refuse_unknown(neuron);
                notes_[i] = {"", note_of(one, "the network text says the same of every layer")};
            }
    }
    static bool agrees_if_it_fits(const NeuronParameter& parameter, const Layer& layer) {
        try {
            return agrees(parameter, layer);
        } catch (const InputError&) {
            return false;
        }
    }

    /// What the network text leaves to the file is in it.
    void require_all_values() const {
        for (size_t l = 0; l < network_.layers.size(); ++l)
            for (const NeuronValue& value : network_.layers[l].values)
                if (!filled_.contains({l, value.field}))
                    throw InputError(
                        fmt::format("{}: the network text leaves {} of {} to the file ({}), which holds none of it",
                                    where_, value.field, network_.layers[l].name,
                                    neuron_text(*network_.layers[l].neuron, network_.layers[l].values)));
    }

    [[noreturn]] void refuse_unknown(const FileNeuron& neuron) const {
        std::string names;
        for (size_t k = 0; k < std::min<size_t>(neurons_.size(), 10); ++k)
            names += (k > 0 ? ", " : "") + name_of(neurons_[k]);
        std::string values;
        for (const size_t i : neuron.parameters)
            if (element_count(state_.tensors[i].view.shape) == 1)
                values += fmt::format("{}{} = {}", values.empty() ? "" : ", ", shown(leaf_of(state_.tensors[i].name)),
                                      NeuronParameter::text(tensor_numbers(state_.tensors[i].view)[0]));
        throw InputError(
            fmt::format("{}: it holds parameters of {} ({}{}), and nothing tells to which of the network's layers {}; "
                        "what {} says ({}) is not what the network text says of all layers: change the text, or say "
                        "that the text's neurons count",
                        where_, counted(static_cast<int64_t>(neurons_.size()), "neuron"), names,
                        neurons_.size() > 10 ? ", …" : "", neurons_.size() == 1 ? "it belongs" : "each belongs",
                        name_of(neuron), values.empty() ? "values that differ" : values));
    }
    /// Of a neuron whose parameters stand beside the weights, without a module, the parameters' names.
    std::string name_of(const FileNeuron& neuron) const {
        if (!neuron.stem.empty()) return shown(neuron.stem);
        std::string names;
        for (const size_t i : neuron.parameters) names += (names.empty() ? "" : ", ") + shown(state_.tensors[i].from);
        return names;
    }

    const StateDict& state_;
    const FilledModules& modules_;
    Network& network_;
    NeuronSource source_;
    std::string where_;
    std::vector<FileNeuron> neurons_;
    std::map<size_t, NeuronUse> notes_;
    std::set<std::pair<size_t, std::string_view>> filled_;  ///< layer and field that the file gave
};

}  // namespace

std::map<size_t, NeuronUse> use_neurons(const StateDict& state, const std::vector<size_t>& parameters,
                                        const FilledModules& modules, Network& network, NeuronSource source,
                                        const std::string& where) {
    return NeuronImport(state, modules, network, source, where).run(parameters);
}

}  // namespace spikelens

#include <cmath>

#include <fmt/format.h>

#include "spikelens/core/error.h"
#include "spikelens/model_io/import.h"
#include "spikelens/model_io/model_file.h"

#include "neuron_fields.h"
#include "pickle_globals.h"
#include "state_dict.h"
#include "weight_matching.h"
#include "weight_neurons.h"
#include "weight_roles.h"

namespace spikelens {
namespace {

class Import {
  public:
    Import(const std::filesystem::path& path, Network network) : where_(path.string()), state_(read_state_dict(path)) {
        result_.network = std::move(network);
        result_.format = state_.format;
        result_.assumptions = state_.assumptions;
    }

    ImportedNetwork run(const WeightOptions& options) {
        require_same_network(options.neurons);
        if (needs_model()) return from_own_model();
        sort_by_role();
        if (options.neurons != NeuronSource::text) require_readable_neurons();
        if (weights_.empty()) throw InputError(where_ + " holds no weights: none of its tensors is one");
        const MatchedWeights matched = match_weights(state_, weights_, result_.network, options, where_);
        result_.assumptions.insert(result_.assumptions.end(), matched.assumptions.begin(), matched.assumptions.end());
        for (size_t i = 0; i < state_.tensors.size(); ++i)
            result_.tensors.push_back(
                matched.plan[i] ? placed(state_.tensors[i], *matched.plan[i])
                                : ImportedTensor{state_.tensors[i].from, "", state_.tensors[i].view.shape, kinds_[i].note});
        for (const auto& [i, use] :
             use_neurons(state_, neurons_, weights_of_layers(matched.plan), result_.network, options.neurons, where_)) {
            result_.tensors[i].to = use.to;
            result_.tensors[i].note = use.note;
        }
        result_.tensors.insert(result_.tensors.end(), state_.left_out.begin(), state_.left_out.end());
        result_.assumptions.emplace_back(
            options.neurons == NeuronSource::file && !neurons_.empty()
                ? "Pools, strides, paddings, steps, and what of the neurons the file does not hold, are the network text's."
                : "Neurons, pools, strides, paddings and steps are the network text's.");
        check_network(result_.network, where_);
        return std::move(result_);
    }

  private:
    /// Whether the network has recurrent weights or values of neurons, which model files of this network alone hold: none may
    /// stay zero in silence.
    bool needs_model() const {
        for (const Layer& layer : result_.network.layers) {
            if (layer.recurrence.kind == RecurrenceKind::none && layer.values.empty()) continue;
            if (state_.network == network_text(result_.network)) return true;
            throw InputError(fmt::format("{}: layer {} of the network text {}, which only a model of Spikelens holds", where_,
                                         layer.name,
                                         layer.values.empty() ? "has recurrent weights" : "has values of its neurons"));
        }
        return false;
    }

    /// All that a model of this network holds.
    ImportedNetwork from_own_model() {
        const Network model = load_model(where_);
        for (size_t l = 0; l < model.layers.size(); ++l) {
            Layer& layer = result_.network.layers[l];
            layer.weight = model.layers[l].weight;
            layer.bias = model.layers[l].bias;
            layer.recurrence.weight = model.layers[l].recurrence.weight;
            layer.values = model.layers[l].values;
        }
        for (const StateTensor& tensor : state_.tensors)
            result_.tensors.push_back({tensor.from, tensor.from, tensor.view.shape, ""});
        result_.assumptions.emplace_back("The file is a model of Spikelens with this network: all its tensors were taken.");
        check_network(result_.network, where_);
        return std::move(result_);
    }

    /// A model of ours says its whole network.
    void require_same_network(NeuronSource neurons) {
        const std::string text = network_text(result_.network);
        if (state_.network.empty() || state_.network == text) return;
        if (neurons != NeuronSource::text)
            throw InputError(
                fmt::format("{} is a model of Spikelens with the network {}, but the network text says {}: use the "
                            "model as it is, or say that the text counts",
                            where_, shown(state_.network), text));
        result_.assumptions.push_back(
            fmt::format("The file is a model of Spikelens with the network {}; the network text was "
                        "asked for and counts.",
                        shown(state_.network)));
    }

    /// A parameter of a neuron that cannot be read is not left out in silence.
    void require_readable_neurons() const {
        for (const ImportedTensor& entry : state_.left_out)
            if (is_neuron_parameter(entry.from, {}))
                throw InputError(
                    fmt::format("{}: {} is a parameter of a neuron by its name, but neither a tensor nor a number: save it as "
                                "a tensor, or say that the network text's neurons count",
                                where_, shown(entry.from)));
    }

    void sort_by_role() {
        for (size_t i = 0; i < state_.tensors.size(); ++i) {
            kinds_.push_back(tensor_kind(state_.tensors[i], where_));
            if (kinds_[i].role == TensorRole::weight) weights_.push_back(i);
            if (kinds_[i].role == TensorRole::neuron) neurons_.push_back(i);
        }
    }

    /// The names of the modules that hold the layers' weights, layer by layer.
    std::vector<std::string> weights_of_layers(const WeightPlan& plan) const {
        std::vector<std::string> names;
        for (const Layer& layer : result_.network.layers)
            for (size_t i = 0; i < plan.size(); ++i)
                if (plan[i] && !plan[i]->bias && plan[i]->layer == &layer) names.push_back(stem_of(state_.tensors[i].name));
        return names;
    }

    static ImportedTensor placed(const StateTensor& tensor, const WeightSlot& slot, FloatArray values) {
        (slot.bias ? slot.layer->bias : slot.layer->weight) = std::move(values);
        const bool same = tensor.view.type == TensorType::f32;
        return {tensor.from, slot.name(), tensor.view.shape,
                same ? "" : fmt::format("from {} to float32", type_name(tensor.view.type))};
    }
    ImportedTensor placed(const StateTensor& tensor, const WeightSlot& slot) const {
        FloatArray values = tensor_values(tensor.view);
        for (int64_t i = 0; i < values.size(); ++i)
            if (!std::isfinite(values.data[static_cast<size_t>(i)]))
                throw InputError(fmt::format("{}: {} for {} holds a value that is not finite{}, at element {}", where_,
                                             described(tensor), slot.name(),
                                             tensor.view.type == TensorType::f64 ? " as float32" : "", i));
        return placed(tensor, slot, std::move(values));
    }

    std::string where_;
    StateDict state_;
    ImportedNetwork result_;
    std::vector<TensorKind> kinds_;
    std::vector<size_t> weights_, neurons_;  ///< tensors of these roles, in the order of the file
};

}  // namespace

ImportedNetwork import_weights(const std::filesystem::path& path, Network network, const WeightOptions& options) {
    return Import(path, std::move(network)).run(options);
}

}  // namespace spikelens

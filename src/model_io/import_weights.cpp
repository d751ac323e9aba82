#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "spikelens/core/counted.h"
#include "spikelens/core/error.h"
#include "spikelens/model_io/import.h"

#include "neuron_fields.h"
#include "pickle_globals.h"
#include "recurrent_names.h"
#include "state_dict.h"
#include "step_norms.h"
#include "weight_matching.h"
#include "weight_neurons.h"
#include "weight_norms.h"
#include "weight_parts.h"
#include "weight_roles.h"

namespace spikelens {
namespace {

constexpr size_t kNamesInNote = 10;

class Import {
  public:
    Import(const std::filesystem::path& path, Network network) : where_(path.string()), state_(read_state_dict(path)) {
        join_parts(state_, where_);
        name_recurrences(state_);
        result_.network = std::move(network);
        result_.format = state_.format;
        result_.assumptions = state_.assumptions;
    }

    ImportedNetwork run(const WeightOptions& options) {
        require_same_network(options.neurons);
        find_roles();
        if (options.neurons != NeuronSource::text) require_readable_neurons();
        if (weights_.empty()) throw InputError(where_ + " holds no weights: none of its tensors is one");
        const MatchedWeights matched = match_weights(state_, weights_, result_.network, options, where_);
        result_.assumptions.insert(result_.assumptions.end(), matched.assumptions.begin(), matched.assumptions.end());
        place_weights(matched.plan);
        fold_norms(matched.plan, options);
        add_recurrent_biases(matched.plan);
        require_biases();
        fold_input(options.input);
        for (const auto& [i, use] :
             use_neurons(state_, neurons_, modules(matched.plan), result_.network, options.neurons, where_)) {
            entries_[i].to = use.to;
            entries_[i].note = use.note;
        }
        list_tensors();
        result_.assumptions.emplace_back(options.neurons == NeuronSource::file && !neurons_.empty()
                                             ? "Pools, strides, paddings, steps, and what of the neurons the file does "
                                               "not hold, are the network text's."
                                             : "Neurons, pools, strides, paddings and steps are the network text's.");
        check_network(result_.network, where_);
        return std::move(result_);
    }

  private:
    template <class Visit>
    static void for_each_tensor(const FileNorm& norm, const Visit& visit) {
        for (const auto& [leaf, i] : norm.tensors) visit(leaf, i);
        for (const auto& step : norm.steps)
            for (const auto& [leaf, i] : step) visit(leaf, i);
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
        result_.assumptions.push_back(fmt::format(
            "The file is a model of Spikelens with the network {}; the network text was asked for and counts.",
            shown(state_.network)));
    }

    /// A parameter of a neuron that cannot be read is not left out in silence.
    void require_readable_neurons() const {
        for (const ImportedTensor& entry : state_.left_out)
            if (is_neuron_parameter(entry.from, {}))
                throw InputError(
                    fmt::format("{}: {} is a parameter of a neuron by its name, but neither a tensor nor a number: "
                                "save it as a tensor, or say that the network text's neurons count",
                                where_, shown(entry.from)));
    }

    /// Sinabs' ALIF keeps its threshold and the rise of it, which have the names of a parameter and of a bias.
    bool is_adaptive_state(const StateTensor& tensor) const {
        const std::string leaf = leaf_of(tensor.name), stem = stem_of(tensor.name);
        return (leaf == "b" || leaf == "spike_threshold") &&
               std::ranges::any_of(state_.tensors, [&](const StateTensor& other) {
                   return stem_of(other.name) == stem &&
                          (leaf_of(other.name) == "tau_adapt" || leaf_of(other.name) == "alpha_adapt");
               });
    }

    /// GroupNorm, LayerNorm and their like have a weight and a bias of one shape, and no averages to fold.
    void refuse_other_norm(const StateTensor& tensor) const {
        if (leaf_of(tensor.name) != "weight" || element_count(tensor.view.shape) < 2) return;
        const auto is_ours = [&](const Layer& layer) {
            return layer.kind == LayerKind::norm && layer.name == stem_of(tensor.name);
        };
        if (std::ranges::any_of(result_.network.layers, is_ours)) return;
        for (const StateTensor& other : state_.tensors)
            if (other.name == stem_of(tensor.name) + ".bias" && other.view.shape == tensor.view.shape)
                throw InputError(
                    fmt::format("{}: {} is of a normalisation without running averages, by the bias of the same shape "
                                "beside it: it normalises by the sample, which no layer here does",
                                where_, described(tensor)));
    }

    void find_roles() {
        norms_ = find_norms(state_, steps_of_norms(result_.network), where_);
        std::set<size_t> of_norms;
        for (const FileNorm& norm : norms_)
            for_each_tensor(norm, [&](const std::string&, size_t i) { of_norms.insert(i); });
        for (size_t i = 0; i < state_.tensors.size(); ++i) {
            StateTensor& tensor = state_.tensors[i];
            const TensorKind kind = of_norms.contains(i) ? TensorKind{TensorRole::norm, "counts batches"}
                                    : is_adaptive_state(tensor)
                                        ? TensorKind{TensorRole::inert, "a neuron's state: every sample starts at rest"}
                                        : tensor_kind(tensor, where_);
            if (kind.role == TensorRole::weight) refuse_other_norm(tensor);
            if (kind.role == TensorRole::weight || kind.role == TensorRole::recurrent) weights_.push_back(i);
            if (kind.role == TensorRole::neuron) neurons_.push_back(i);
            entries_.push_back({tensor.from, "", tensor.view.shape, kind.note});
            if (kind.role == TensorRole::weight &&
                tensor.view.shape.size() == 3) {  // one-dimensional: a kernel of one row
                tensor.view.shape.insert(tensor.view.shape.begin() + 2, 1);
                tensor.view.strides.insert(tensor.view.strides.begin() + 2, 1);
            }
        }
    }

    FilledModules modules(const WeightPlan& plan) {
        FilledModules modules;
        for (size_t i = 0; i < plan.size(); ++i) {
            if (!plan[i] || plan[i]->bias()) continue;
            const size_t layer = static_cast<size_t>(plan[i]->layer - result_.network.layers.data());
            const std::string module = stem_of(state_.tensors[i].name);
            if (plan[i]->part == SlotPart::weight)
                modules.weights[layer] = module;
            else
                modules.recurrent[stem_of(module)] = layer;
        }
        return modules;
    }

    void place_weights(const WeightPlan& plan) {
        for (size_t i = 0; i < plan.size(); ++i) {
            if (!plan[i]) continue;
            const StateTensor& tensor = state_.tensors[i];
            const WeightSlot& slot = *plan[i];
            entries_[i].to = slot.name();
            entries_[i].note = composition_text(tensor);
            if (tensor.view.type != TensorType::f32)
                entries_[i].note += fmt::format("{}from {} to float32", entries_[i].note.empty() ? "" : ", ",
                                                type_name(tensor.view.type));
            if (slot.part == SlotPart::recurrent_bias) continue;
            if (slot.part == SlotPart::bias) biases_.insert(slot.layer);
            FloatArray& target = slot.part == SlotPart::weight ? slot.layer->weight
                                 : slot.bias()                 ? slot.layer->bias
                                                               : slot.layer->recurrence.weight;
            FloatArray values = finite_values(tensor, slot);
            if (values.size() == 1 && target.size() != 1)
                std::ranges::fill(target.data, values.data[0]);
            else
                target.data = std::move(values.data);
        }
    }
    FloatArray finite_values(const StateTensor& tensor, const WeightSlot& slot) const {
        FloatArray values = weight_values(tensor);
        for (int64_t i = 0; i < values.size(); ++i)
            if (!std::isfinite(values.data[static_cast<size_t>(i)]))
                throw InputError(fmt::format("{}: {} for {} holds a value that is not finite{}, at element {}", where_,
                                             described(tensor), slot.name(),
                                             tensor.view.type == TensorType::f64 ? " as float32" : "", i));
        return values;
    }

    void fold_norms(const WeightPlan& plan, const WeightOptions& options) {
        if (norms_.empty() && options.bn_eps)
            throw InputError(where_ + " holds no batch normalisation, for which an ε was given");
        std::vector<FilledLayer> filled;
        std::vector<const Layer*> of_steps;
        for (size_t i = 0; i < plan.size(); ++i)
            if (plan[i] && plan[i]->part == SlotPart::weight && plan[i]->layer->kind == LayerKind::norm)
                of_steps.push_back(plan[i]->layer);  // by its own name
            else if (plan[i] && plan[i]->part == SlotPart::weight)
                filled.push_back({plan[i]->layer, stem_of(state_.tensors[i].name), state_.tensors[i].module});
        const std::vector<NormPlace> places = places_of_norms(state_, norms_, filled, options.layers, where_);
        const double eps = options.bn_eps.value_or(kUsualBnEps);
        std::vector<std::string> folded, of_each_step;
        for (size_t k = 0; k < norms_.size(); ++k) {
            const NormPlace& place = places[k];
            const bool differs = norms_[k].differs_between_steps();
            const Layer* into = place.layer;
            if (differs) {
                into = &fill_step_norm(state_, norms_[k], place, eps, result_.network, where_);
                of_steps.push_back(into);
                of_each_step.push_back(shown(norms_[k].stem) + " as " + into->name);
            } else {
                fold_norm(state_, norms_[k], place, eps, where_);
                folded.push_back(
                    fmt::format("{} {} {}", shown(norms_[k].stem), place.before ? "before" : "after", into->name));
            }
            biases_.insert(into);
            for_each_tensor(norms_[k], [&](const std::string& leaf, size_t i) {
                if (leaf == "num_batches_tracked") return;
                entries_[i].to = into->name + (leaf == kRunningMean || leaf == "bias" ? ".bias" : ".weight");
                entries_[i].note = differs ? "a batch normalisation's" : "a batch normalisation's, folded into it";
            });
        }
        require_step_norms(result_.network, of_steps, where_);
        const std::string with = fmt::format("with the running averages and ε = {:g}{}", eps,
                                             options.bn_eps ? "" : ", which a state dict does not hold");
        if (!folded.empty())
            result_.assumptions.push_back(
                fmt::format("Batch normalisations are folded in, each as if it stood directly at its layer, {}: {}.",
                            with, first_of(folded)));
        if (!of_each_step.empty())
            result_.assumptions.push_back(fmt::format(
                "Batch normalisations with values of each step stand where the network text has them, {}: {}.", with,
                first_of(of_each_step)));
    }

    static std::string first_of(const std::vector<std::string>& names) {
        const auto end = names.begin() + std::min(std::ssize(names), std::ptrdiff_t{kNamesInNote});
        return fmt::format("{}{}", fmt::join(names.begin(), end, ", "), end == names.end() ? "" : ", …");
    }

    /// A bias that the library adds at every step, with the spikes of the step before.
    void add_recurrent_biases(const WeightPlan& plan) {
        for (size_t i = 0; i < plan.size(); ++i) {
            if (!plan[i] || plan[i]->part != SlotPart::recurrent_bias) continue;
            const FloatArray more = finite_values(state_.tensors[i], *plan[i]);
            Layer& layer = *plan[i]->layer;
            const bool none = std::ranges::all_of(more.data, [](float value) { return value == 0; });
            if (!none && !adds_at_every_step(state_.tensors[i]))
                throw InputError(
                    fmt::format("{}: {} is a recurrent bias for {} that Sinabs does not add at the first step, which a "
                                "layer here cannot express: expected zeros, or a connection without bias",
                                where_, described(state_.tensors[i]), layer.name));
            for (size_t o = 0; o < more.data.size(); ++o)
                layer.bias.data[o] = static_cast<float>(double{layer.bias.data[o]} + more.data[o]);
            biases_.insert(&layer);
            entries_[i].to = layer.name + ".bias";
            entries_[i].note = "added to it: it counts at every step, the first too";
        }
    }

    void require_biases() {
        for (Layer& layer : result_.network.layers)
            if (layer.has_bias && !biases_.contains(&layer))
                throw InputError(fmt::format(
                    "{}: it holds no tensor for {}.bias, {}: if {} has no bias, the network text says so with b0",
                    where_, layer.name, shape_text(layer.bias_shape()), layer.name));
    }

    void fold_input(const std::optional<InputNormalisation>& input) {
        if (!input) {
            if (state_.network.empty())
                result_.assumptions.emplace_back(
                    "The file does not say how inputs were normalised in training: the network takes them as they are, "
                    "pixels from 0 to 1.");
            return;
        }
        const auto channels = static_cast<size_t>(result_.network.channels);
        const auto each = [&](const std::vector<double>& numbers, const char* name) {
            if (numbers.size() != 1 && numbers.size() != channels)
                throw InputError(
                    fmt::format("{}: there are {} numbers for the {} of an input of {}: expected one, or one for each",
                                where_, numbers.size(), name, counted(result_.network.channels, "channel")));
            return numbers.size() == channels ? numbers : std::vector<double>(channels, numbers[0]);
        };
        std::vector<double> scale = each(input->deviation, "deviation"), shift = each(input->mean, "mean");
        for (size_t c = 0; c < channels; ++c) {
            if (!(std::isfinite(shift[c]) && std::isfinite(scale[c]) && scale[c] > 0))
                throw InputError(
                    fmt::format("{}: the input's mean {:g} and deviation {:g} are not finite numbers, or the deviation "
                                "is not above 0",
                                where_, shift[c], scale[c]));
            scale[c] = 1 / scale[c];
            shift[c] *= -scale[c];
        }
        std::string layers;
        for (Layer& layer : result_.network.layers) {
            if (layer.inputs != std::vector{kNetworkInput}) continue;
            fold_into_input(layer, scale, shift, where_ + ": the mean of the input");
            layers += (layers.empty() ? "" : ", ") + layer.name;
        }
        result_.assumptions.push_back(fmt::format("The normalisation of the input is folded into {}.", layers));
    }

    void list_tensors() {
        for (size_t i = 0; i < entries_.size(); ++i) {
            const std::vector<StatePart>& parts = state_.tensors[i].parts;
            if (parts.empty()) result_.tensors.push_back(entries_[i]);
            for (const StatePart& part : parts)
                result_.tensors.push_back({part.from, entries_[i].to, part.view.shape, entries_[i].note});
        }
        result_.tensors.insert(result_.tensors.end(), state_.left_out.begin(), state_.left_out.end());
    }

    std::string where_;
    StateDict state_;
    ImportedNetwork result_;
    std::vector<ImportedTensor> entries_;  ///< of each of the state dict's tensors, what became of it
    std::vector<FileNorm> norms_;
    std::vector<size_t> weights_, neurons_;  ///< tensors of these roles, in the order of the file
    std::set<const Layer*> biases_;          ///< layers whose bias the file gives
};

}  // namespace

ImportedNetwork import_weights(const std::filesystem::path& path, Network network, const WeightOptions& options) {
    return Import(path, std::move(network)).run(options);
}

}  // namespace spikelens

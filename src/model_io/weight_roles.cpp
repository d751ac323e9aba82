#include "weight_roles.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "spikelens/core/error.h"

#include "neuron_fields.h"
#include "pickle_globals.h"
#include "recurrent_names.h"
#include "weight_names.h"

namespace spikelens {
namespace {

/// States that snnTorch, SpikingJelly, Norse and Sinabs keep beside a neuron's parameters.
constexpr std::array<std::string_view, 8> kStates = {"mem", "syn", "spk", "v", "v_mem", "i_syn", "syn_exc", "syn_inh"};

struct Refusal {
    std::string_view leaf;
    std::string_view reason;
};
constexpr std::string_view kPruning =
    "belongs to a weight that is pruned, and its other part is missing: make it one tensor by "
    "torch.nn.utils.prune.remove before saving";
constexpr std::string_view kNormed =
    "belongs to a weight that weight_norm or spectral_norm has split: make it one tensor by "
    "torch.nn.utils.remove_weight_norm or remove_spectral_norm before saving";
constexpr std::string_view kLate =
    "is of Norse's LSNN, whose input acts one step after it comes: no layer here has that, and the network would be "
    "another";
constexpr std::array<Refusal, 10> kRefusals = {{{"tau_adapt_inv", kLate},
                                                {"weight_orig", kPruning},
                                                {"weight_mask", kPruning},
                                                {"bias_orig", kPruning},
                                                {"bias_mask", kPruning},
                                                {"weight_g", kNormed},
                                                {"weight_v", kNormed},
                                                {"weight_u", kNormed},
                                                {"bias_g", kNormed},
                                                {"bias_v", kNormed}}};

bool has_part(const std::string& name, const std::string& part) {
    return name.starts_with(part + ".") || name.find("." + part + ".") != std::string::npos;
}

std::string module_of_parametrisation(const std::string& name) {
    const size_t place = name.find("parametrizations");
    return place == 0 ? "(the model itself)" : name.substr(0, place - 1);
}

std::string refusal_of(const std::string& name) {
    const std::string leaf = leaf_of(name);
    if (has_part(name, "parametrizations"))
        return fmt::format(
            "is what a parametrisation of the module {} computes a weight from, and how is not in the file: make it "
            "one tensor by torch.nn.utils.parametrize.remove_parametrizations before saving",
            shown(module_of_parametrisation(name)));
    const auto found = std::ranges::find(kRefusals, leaf, &Refusal::leaf);
    return found == kRefusals.end() ? "" : std::string(found->reason);
}

/// Whole numbers, booleans and complex numbers are no weights. A single whole number is a counter; a table may be
/// anything: a mask, a permutation.
TensorKind kind_of_other_type(const StateTensor& tensor, const std::string& where) {
    const std::string leaf = leaf_of(tensor.name), type(type_name(tensor.view.type));
    if (leaf == "weight" || leaf == "bias")
        throw InputError(fmt::format("{}: {} is of type {}; expected float32, float16, bfloat16 or float64", where,
                                     described(tensor), type));
    const bool complex = tensor.view.type == TensorType::complex64 || tensor.view.type == TensorType::complex128;
    if (element_count(tensor.view.shape) > 1 || complex)
        throw InputError(fmt::format("{}: {} is of type {}, and what it does is not known: save the weights without it",
                                     where, described(tensor), type));
    if (leaf == "num_batches_tracked") return {TensorRole::inert, "counts batches; nothing reads it after training"};
    return {TensorRole::inert, "no weight: one number of type " + type};
}

}  // namespace

std::string described(const StateTensor& tensor) {
    if (tensor.view.shape.empty()) return fmt::format("the number {}", shown(tensor.from));
    return fmt::format("the tensor {}, {},", shown(tensor.from), shape_text(tensor.view.shape));
}

void refuse_lone_bias(const StateTensor& tensor, const StateDict& state, const std::string& where) {
    const std::string stem = stem_of(tensor.name);
    const auto beside = [&](const StateTensor& other) {
        return other.name != tensor.name && stem_of(other.name) == stem;
    };
    if (leaf_of(tensor.name) == "bias" && !stem.empty() && std::ranges::none_of(state.tensors, beside))
        throw InputError(fmt::format("{}: {} has no weight beside it: the file holds no {}.weight", where,
                                     described(tensor), shown(stem)));
}

TensorKind tensor_kind(const StateTensor& tensor, const std::string& where) {
    if (const std::string reason = refusal_of(tensor.name); !reason.empty())
        throw InputError(fmt::format("{}: {} {}", where, described(tensor), reason));
    const std::string leaf = leaf_of(tensor.name);
    if (std::ranges::find(kStates, leaf) != kStates.end())
        return {TensorRole::inert, "a neuron's state: every sample starts at rest"};
    if (leaf == "V") return {TensorRole::inert, "the same as recurrent.V beside it"};
    const bool complex = tensor.view.type == TensorType::complex64 || tensor.view.type == TensorType::complex128;
    if (!complex && is_neuron_parameter(tensor.name, tensor.view.shape)) return {TensorRole::neuron, ""};
    if (!is_real(tensor.view.type)) return kind_of_other_type(tensor, where);
    return {is_recurrent(tensor.name) ? TensorRole::recurrent : TensorRole::weight, ""};
}

}  // namespace spikelens

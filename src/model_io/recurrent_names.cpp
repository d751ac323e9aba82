#include "recurrent_names.h"

#include <array>
#include <set>
#include <utility>

#include "weight_names.h"

namespace spikelens {
namespace {

constexpr std::string_view kWeightName = "recurrent.weight";
constexpr std::string_view kBiasWord = "recurrent.bias";
constexpr std::string_view kSinabsModule = "rec_connect";

/// Names as libraries have them, and as they are matched.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kNames = {{{"recurrent.V", kWeightName},
                                                                                  {"V", kWeightName},
                                                                                  {"input_weights", "weight"},
                                                                                  {"recurrent_weights", kWeightName},
                                                                                  {"rec_connect.weight", kWeightName},
                                                                                  {"rec_connect.bias", kBiasWord}}};

bool ends_in(const std::string& name, std::string_view parts) {
    return name == parts || (name.ends_with(parts) && name[name.size() - parts.size() - 1] == '.');
}

/// [n, 2n] as its two halves.
void split_container(StateDict& state, size_t i) {
    const TensorView whole = state.tensors[i].view;
    if (!ends_in(state.tensors[i].name, "rc.weight") || whole.shape.size() != 2 || whole.shape[1] != 2 * whole.shape[0])
        return;
    StateTensor recurrent = state.tensors[i];
    recurrent.name = stem_of(recurrent.name) + "." + std::string(kWeightName);
    state.tensors[i].view.shape[1] = recurrent.view.shape[1] = whole.shape[0];
    recurrent.view.offset += whole.shape[0] * whole.strides[1];
    state.tensors.insert(state.tensors.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(recurrent));
}

}  // namespace

void name_recurrences(StateDict& state) {
    std::set<std::string> known;
    for (const StateTensor& tensor : state.tensors) known.insert(tensor.name);
    for (size_t i = 0; i < state.tensors.size(); ++i) {
        split_container(state, i);
        std::string& name = state.tensors[i].name;
        for (const auto& [word, matched] : kNames) {
            if (!ends_in(name, word)) continue;
            const std::string stem = name.substr(0, name.size() - word.size());
            if (word == "V" && known.contains(stem + "recurrent.V")) break;  // the same tensor twice
            name = stem + std::string(matched);
            break;
        }
    }
}

bool is_recurrent(const std::string& name) { return ends_in(name, kWeightName) || ends_in(name, kBiasWord); }

bool adds_at_every_step(const StateTensor& recurrent_bias) {
    return leaf_of(stem_of(recurrent_bias.from)) != kSinabsModule;
}

}  // namespace spikelens

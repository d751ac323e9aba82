#include "weight_names.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "description.h"

namespace spikelens {
namespace {

constexpr std::array<std::string_view, 25> neuron_leaves = {
    "beta",     "alpha",   "tau",     "threshold",   "v_threshold", "v_th",      "v_reset", "reset_mechanism_val",
    "v",        "v_mem",   "v_leak",  "mem",         "syn",         "spk",       "i_syn",   "graded_spikes_factor",
    "tau_mem",  "tau_syn", "tau_ref", "tau_mem_inv", "tau_syn_inv", "tau_adapt", "leak",    "spike_threshold",
    "min_v_mem"};

void add(SlotNames& names, const std::string& stem, Layer& layer) {
    names[stem + ".weight"] = {&layer, false};
    names[stem + ".bias"] = {&layer, true};
}

bool digit(char c) { return c >= '0' && c <= '9'; }

/// A number from the front of a text, without leading zeros, as text.
std::string_view take_digits(std::string_view& text) {
    const size_t length = static_cast<size_t>(std::ranges::find_if_not(text, digit) - text.begin());
    std::string_view digits = text.substr(0, length);
    text.remove_prefix(length);
    while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
    return digits;
}

/// Whether a comes before b, numbers read as numbers.
bool naturally_before(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        if (digit(a[0]) && digit(b[0])) {
            const std::string_view first = take_digits(a), second = take_digits(b);
            if (first != second) return first.size() != second.size() ? first.size() < second.size() : first < second;
        } else {
            if (a[0] != b[0]) return a[0] < b[0];
            a.remove_prefix(1), b.remove_prefix(1);
        }
    }
    return a.size() < b.size();
}

}  // namespace

std::string WeightSlot::name() const { return layer->name + (bias ? ".bias" : ".weight"); }

Shape WeightSlot::shape() const { return bias ? Shape{layer->out_channels} : weight_shape(*layer); }

SlotNames own_names(Network& network) {
    SlotNames names;
    for (Layer& layer : network.layers) add(names, layer.name, layer);
    return names;
}

SlotNames vgg_names(Network& network) {
    SlotNames names;
    int feature = 0, classifier = 0;
    for (Layer& layer : network.layers) {
        if (layer.kind == LayerKind::conv) {
            if (classifier > 0) return {};
            add(names, "features." + std::to_string(feature), layer);
            feature += layer.pool.kind == PoolKind::none ? 2 : 3;
        } else {
            add(names, "classifier." + std::to_string(classifier), layer);
            classifier += 3;
        }
    }
    return names;
}

std::string leaf_of(const std::string& name) { return name.substr(name.rfind('.') + 1); }

bool is_neuron_parameter(const std::string& name, const Shape& shape) {
    const std::string leaf = leaf_of(name);
    if (leaf == "w") return element_count(shape) == 1;  // SpikingJelly's ParametricLIFNode: τ = 1 + e^−w
    return std::ranges::find(neuron_leaves, leaf) != neuron_leaves.end();
}

bool numbers_out_of_order(const std::string& first, const std::string& second) {
    return first < second && naturally_before(second, first);
}

}  // namespace spikelens

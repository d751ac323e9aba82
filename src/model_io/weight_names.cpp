#include "weight_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

namespace spikelens {
namespace {

/// Words for a weight, and those for the bias beside it.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kBiasWords = {
    {{"weight", "bias"}, {"kernel", "bias"}, {"w", "b"}, {"W", "b"}}};

void add(SlotNames& names, const std::string& stem, Layer& layer) {
    names[stem + ".weight"] = {&layer, SlotPart::weight};
    names[stem + ".bias"] = {&layer, SlotPart::bias};
}

constexpr std::array<std::string_view, 4> kSlotWords = {".weight", ".bias", ".recurrent.weight", ".recurrent.bias"};

bool digit(char c) { return c >= '0' && c <= '9'; }

/// A number from the front of a text, without leading zeros, as text.
std::string_view take_digits(std::string_view& text) {
    const size_t length = static_cast<size_t>(std::ranges::find_if_not(text, digit) - text.begin());
    std::string_view digits = text.substr(0, length);
    text.remove_prefix(length);
    while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
    return digits;
}

}  // namespace

std::string WeightSlot::name() const { return layer->name + std::string(kSlotWords[static_cast<size_t>(part)]); }

Shape WeightSlot::shape() const {
    if (bias()) return layer->kind == LayerKind::norm ? layer->bias_shape() : Shape{layer->out_channels};
    return part == SlotPart::weight ? layer->weight_shape() : layer->recurrent_shape();
}

SlotNames own_names(Network& network) {
    SlotNames names;
    for (Layer& layer : network.layers) {
        if (!layer.weight_shape().empty()) add(names, layer.name, layer);
        if (layer.recurrence.kind == RecurrenceKind::none) continue;
        for (const SlotPart part : {SlotPart::recurrent, SlotPart::recurrent_bias})
            names[WeightSlot{&layer, part}.name()] = {&layer, part};
    }
    return names;
}

SlotNames vgg_names(Network& network) {
    SlotNames names;
    int feature = 0, classifier = 0;
    if (!is_chain(network)) return {};
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

std::string stem_of(const std::string& name) {
    const size_t dot = name.rfind('.');
    return dot == std::string::npos ? "" : name.substr(0, dot);
}

NameOrder order_of_names(std::string_view first, std::string_view second) {
    while (!first.empty() && !second.empty()) {
        if (digit(first[0]) != digit(second[0])) return NameOrder::unknown;
        if (digit(first[0])) {
            const std::string_view a = take_digits(first), b = take_digits(second);
            if (a == b) continue;
            const bool before = a.size() != b.size() ? a.size() < b.size() : a < b;
            return before ? NameOrder::first_before : NameOrder::second_before;
        }
        if (first[0] != second[0]) return NameOrder::unknown;
        first.remove_prefix(1), second.remove_prefix(1);
    }
    return NameOrder::unknown;
}

std::string bias_name(const std::string& weight) {
    const auto letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
    const size_t leaf = weight.size() - leaf_of(weight).size();
    for (const auto& [word, bias] : kBiasWords) {
        const size_t place = weight.rfind(word);
        if (place == std::string::npos || place < leaf) continue;
        const size_t end = place + word.size();
        if ((place > 0 && letter(weight[place - 1])) || (end < weight.size() && letter(weight[end]))) continue;
        return weight.substr(0, place) + std::string(bias) + weight.substr(end);
    }
    return "";
}

}  // namespace spikelens

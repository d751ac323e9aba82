#include "nir_finish.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "spikelens/core/error.h"

namespace spikelens {
namespace {

/// One number, or the span of those of the layer's neurons.
std::string number_text(const Layer& layer, const std::string& field, float of_all) {
    const auto value = std::ranges::find(layer.values, field, &NeuronValue::field);
    if (value == layer.values.end()) return fmt::format("{:.7g}", of_all);
    const auto [least, most] = std::ranges::minmax(value->values.data);
    return fmt::format("{:.7g} to {:.7g}", least, most);
}

std::string neuron_sentence(const Layer& layer) {
    const Neuron& neuron = *layer.neuron;
    const std::string alpha = number_text(layer, "alpha", neuron.alpha);
    return fmt::format(
        "beta = {}, {}gain = {}{}, threshold = {}{}.", number_text(layer, "beta", neuron.beta),
        alpha == "0" ? "" : fmt::format("alpha = {}, ", alpha), number_text(layer, "gain", neuron.gain),
        neuron.decay_input ? " · (1 − beta)" : "", number_text(layer, "threshold", neuron.threshold),
        neuron.reset == Reset::zero ? ", v_reset = " + number_text(layer, "v_reset", neuron.v_reset) : "");
}

}  // namespace

void NirResult::start(const NirInput& input) {
    result_.network.channels = input.shape.channels;
    result_.network.height = input.shape.height;
    result_.network.width = input.shape.width;
    result_.assumptions = input.assumptions;
}

ImportedNetwork NirResult::finish(const Shape& axes, bool leaks) {
    end(axes, leaks);
    name_layers();
    for (NirLayer& layer : layers) narrow(layer);
    list_tensors();
    if (!rules_.own) say_neurons();
    for (NirLayer& layer : layers) result_.network.layers.push_back(std::move(layer.layer));
    return std::move(result_);
}

/// The last layer gives one number per class, without a pool of its own.
void NirResult::end(const Shape& axes, bool leaks) {
    if (const Layer& last = layers.back().layer; last.pooled_height != 1 || last.pooled_width != 1)
        throw InputError(fmt::format("{}: the graph must end in one number per class, but its output is {}", where_,
                                     shape_text(axes)));
    if (layers.back().layer.pool.kind != PoolKind::none) {
        const Layer& before = layers.back().layer;
        NirLayer readout;
        readout.layer.kind = LayerKind::pass;
        readout.layer.inputs = {static_cast<int>(layers.size()) - 1};
        readout.layer.in_channels = before.out_channels, readout.layer.in_height = readout.layer.in_width = 1;
        readout.currents = layers.back().currents;
        set_sizes(readout.layer);
        layers.push_back(std::move(readout));
    }
    if (layers.back().currents && !leaks)
        say("The last weights have no neuron: their output is summed over time without leak.");
}

void NirResult::name_layers() {
    for (size_t l = 0; l < layers.size(); ++l)
        layers[l].layer.name =
            std::string(kLayerWords[static_cast<size_t>(layers[l].layer.kind)]) + std::to_string(l + 1);
}

void NirResult::narrow(NirLayer& from) const {
    Layer& layer = from.layer;
    layer.has_bias = !from.bias.empty();
    if (layer.weighted()) layer.weight = FloatArray(layer.weight_shape(), floats(from.weight, from));
    if (layer.has_bias) layer.bias = FloatArray(layer.bias_shape(), floats(from.bias, from));
    if (layer.recurrence.kind != RecurrenceKind::none)
        layer.recurrence.weight = FloatArray(layer.recurrent_shape(), floats(from.recurrent, from));
}

std::vector<float> NirResult::floats(const std::vector<double>& values, const NirLayer& layer) const {
    std::vector<float> narrow(values.begin(), values.end());
    if (!std::ranges::all_of(narrow, [](float value) { return std::isfinite(value); }))
        throw InputError(fmt::format("{}: the weights of '{}' are too large for float32 in layer {}", where_,
                                     layer.node, layer.layer.name));
    return narrow;
}

void NirResult::list_tensors() {
    for (int l = 0; l < static_cast<int>(layers.size()); ++l) {
        for (ImportedTensor& tensor : layers[l].tensors) {
            const bool changed = tensor.to == "weight" || tensor.to == "bias";
            for (const std::string& note : layers[l].notes)
                if (changed) tensor.note += (tensor.note.empty() ? "" : "; ") + note;
            if (!tensor.to.empty()) tensor.to = layers[l].layer.name + "." + tensor.to;
            result_.tensors.push_back(std::move(tensor));
        }
        list_parameters(l);
    }
}

void NirResult::list_parameters(int layer) {
    const auto node = neurons_.find(layer);
    if (node == neurons_.end()) return;
    const Layer& of = layers[layer].layer;
    const std::string note = (of.neuron ? "the neuron of " : "the readout of ") + of.name;
    for (const auto& [name, value] : node->second->values)
        if (value.type != NirType::text && value.type != NirType::other && name.find('/') == std::string::npos)
            result_.tensors.push_back({node->second->name + "/" + name, "", value.shape, note});
}

/// One sentence for all nodes with the same neuron.
void NirResult::say_neurons() {
    std::vector<std::pair<std::string, std::vector<std::string>>> sentences;
    for (const auto& [index, node] : neurons_) {
        if (!layers[index].layer.neuron) continue;
        const std::string sentence = neuron_sentence(layers[index].layer);
        auto same = std::ranges::find(sentences, sentence, &std::pair<std::string, std::vector<std::string>>::first);
        if (same == sentences.end()) same = sentences.insert(same, {sentence, {}});
        same->second.push_back("'" + node->name + "'");
    }
    for (const auto& [sentence, names] : sentences) say(fmt::format("{}: {}", fmt::join(names, ", "), sentence));
}

}  // namespace spikelens

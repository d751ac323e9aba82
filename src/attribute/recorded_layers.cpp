#include "recorded_layers.h"

#include "spikelens/core/error.h"

namespace spikelens {

std::vector<int> filter_layers(const Network& network, const std::string& method) {
    std::vector<int> layers;
    for (size_t i = 0; i < network.layers.size(); ++i) {
        if (network.layers[i].kind == LayerKind::conv && network.layers[i].neuron) layers.push_back(static_cast<int>(i));
    }
    if (layers.empty()) throw InputError(method + " needs a convolution layer with a neuron, and the network has none");
    return layers;
}

int named_layer(const Network& network, const std::string& method, const std::string& name,
                const std::vector<std::string>& words) {
    std::string known;
    for (const std::string& word : words) known += (known.empty() ? "" : ", ") + word;
    for (int layer : filter_layers(network, method)) {
        if (network.layers[layer].name == name) return layer;
        known += (known.empty() ? "" : ", ") + network.layers[layer].name;
    }
    throw InputError(method + ": the network has no convolution layer '" + name + "' with a neuron; layer can be " + known);
}

}  // namespace spikelens

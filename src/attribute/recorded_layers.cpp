#include "recorded_layers.h"

#include <algorithm>

#include "spikelens/core/error.h"

namespace spikelens {

std::vector<int> filter_layers(const Network& network, const std::string& method) {
    std::vector<int> layers;
    const bool has_conv =
        std::ranges::any_of(network.layers, [](const Layer& layer) { return layer.kind == LayerKind::conv; });
    if (has_conv)
        for (const FilterIndex& filter : response_filters(network))
            if (layers.empty() || layers.back() != filter.layer) layers.push_back(filter.layer);
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
    throw InputError(method + ": the network has no convolution layer '" + name + "' with a neuron; layer can be " +
                     known);
}

}  // namespace spikelens

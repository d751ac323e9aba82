#include "spikelens/snn/network.h"

#include <algorithm>
#include <cmath>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"

namespace spikelens {
namespace {

void require(bool condition, const std::string& where, const Layer& layer, const std::string& what) {
    if (!condition) throw InputError(where + ": layer " + layer.name + " " + what);
}

void check_values(const FloatArray& values, const std::string& where, const Layer& layer, const std::string& name) {
    const bool finite = std::ranges::all_of(values.data, [](float value) { return std::isfinite(value); });
    require(finite, where, layer, name + " holds a value that is not finite");
}

void check_layer(const Layer& layer, bool last, const std::string& where) {
    const bool conv = layer.kind == LayerKind::conv;
    const Shape expected = conv ? Shape{layer.out_channels, layer.in_channels, layer.kernel, layer.kernel}
                                : Shape{layer.out_channels, layer.fan_in()};
    require(layer.weight.shape == expected, where, layer,
            "has weights " + shape_text(layer.weight.shape) + " where " + shape_text(expected) + " were expected");
    const Shape bias = layer.has_bias ? Shape{layer.out_channels} : Shape{};
    require(layer.has_bias ? layer.bias.shape == bias : layer.bias.empty(), where, layer,
            "has a bias " + shape_text(layer.bias.shape) + " where " + (layer.has_bias ? shape_text(bias) : "none") +
                " was expected");
    check_values(layer.weight, where, layer, "weight");
    check_values(layer.bias, where, layer, "bias");
    require(last || layer.neuron.has_value(), where, layer, "has no neuron; only the last layer may be without");
    if (layer.neuron) check_neuron(*layer.neuron, where + ": layer " + layer.name);
    require(layer.readout_beta >= 0 && layer.readout_beta <= 1, where, layer, "has a readout_beta outside [0, 1]");
    require(!layer.neuron || layer.readout_beta == 1, where, layer, "has a neuron and a leaky readout; expected one of them");
}

}  // namespace

int64_t Layer::fan_in() const {
    return kind == LayerKind::conv ? int64_t{in_channels} * kernel * kernel : int64_t{in_channels} * in_height * in_width;
}

void initialise_weights(Network& network, uint64_t seed) {
    for (size_t l = 0; l < network.layers.size(); ++l) {
        Layer& layer = network.layers[l];
        const double bound = 1.0 / std::sqrt(static_cast<double>(layer.fan_in()));
        const auto fill = [&](FloatArray& values, uint64_t which) {
            for (int64_t i = 0; i < values.size(); ++i) {
                const double u = random_uniform(seed, Stream::initial_weights, {l, which, static_cast<uint64_t>(i)});
                values.data[i] = static_cast<float>(bound * (2 * u - 1));
            }
        };
        fill(layer.weight, 0);
        fill(layer.bias, 1);
    }
}

void check_network(const Network& network, const std::string& where) {
    if (network.layers.empty()) throw InputError(where + ": the network has no layers");
    if (network.steps < 1 || network.steps > 65535) throw InputError(where + ": a network runs for 1 to 65535 steps");
    int channels = network.channels, height = network.height, width = network.width;
    for (const Layer& layer : network.layers) {
        require(layer.in_channels == channels && layer.in_height == height && layer.in_width == width, where, layer,
                "expects input " + shape_text(Shape{layer.in_channels, layer.in_height, layer.in_width}) + " but receives " +
                    shape_text(Shape{channels, height, width}));
        check_layer(layer, &layer == &network.layers.back(), where);
        channels = layer.out_channels;
        height = layer.pooled_height;
        width = layer.pooled_width;
    }
    require(height == 1 && width == 1, where, network.layers.back(),
            "gives " + shape_text(Shape{channels, height, width}) + "; the last layer must give one number per class");
    if (!network.classes.empty() && static_cast<int64_t>(network.classes.size()) != network.class_count())
        throw InputError(where + ": " + std::to_string(network.classes.size()) + " class names for " +
                         std::to_string(network.class_count()) + " outputs");
}

std::vector<FilterIndex> response_filters(const Network& network) {
    const bool has_conv = std::ranges::any_of(network.layers, [](const Layer& layer) { return layer.kind == LayerKind::conv; });
    std::vector<FilterIndex> filters;
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) {
        const Layer& layer = network.layers[l];
        const bool counted =
            layer.neuron && (has_conv ? layer.kind == LayerKind::conv : l + 1 < static_cast<int>(network.layers.size()));
        for (int f = 0; counted && f < layer.out_channels; ++f) filters.push_back({l, f});
    }
    return filters;
}

std::string filter_name(const Network& network, FilterIndex filter) {
    return network.layers.at(filter.layer).name + "." + std::to_string(filter.filter);
}

ReceptiveField receptive_field(const Network& network, int layer) {
    ReceptiveField field;
    for (int l = 0; l <= layer; ++l) {
        const Layer& at = network.layers.at(l);
        if (at.kind == LayerKind::full) return {std::max(network.height, network.width), 1, 0};
        field.size += (at.kernel - 1) * field.stride;
        field.start -= at.padding * field.stride;
        field.stride *= at.stride;
        if (l == layer || at.pool.kind == PoolKind::none) continue;
        field.size += (at.pool.size - 1) * field.stride;
        field.stride *= at.pool.stride;
    }
    return field;
}

int64_t parameter_count(const Network& network) {
    int64_t count = 0;
    for (const Layer& layer : network.layers) count += layer.weight.size() + layer.bias.size();
    return count;
}

}  // namespace spikelens

#pragma once

// SVGG19 (224 × 224, T = 25) with random weights, each layer's scaled until a share of its neurons spikes in a step,
// and a photograph of no motif.

#include <cmath>
#include <cstdint>
#include <vector>

#include "spikelens/core/random.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {

inline FloatArray photograph(int64_t side) {
    FloatArray image({1, 3, side, side});
    for (int64_t i = 0; i < image.size(); ++i) {
        const double x = static_cast<double>(i % side) / static_cast<double>(side),
                     y = static_cast<double>(i / side % side) / static_cast<double>(side);
        const double noise = random_uniform(1, Stream::test, {static_cast<uint64_t>(i)});
        image.data[i] = static_cast<float>(0.4 + 0.3 * std::sin(9 * x + 5 * y) + 0.3 * noise * noise);
    }
    return image;
}

/// Spikes per neuron and step of one layer.
inline double rate_of(const Simulator& simulator, int layer, const FloatArray& image) {
    const Recording recording = simulator.run(image, {.layers = {layer}, .counts = true});
    double spikes = 0;
    for (uint16_t count : recording.layer(layer).counts.data) spikes += count;
    return spikes / (static_cast<double>(recording.layer(layer).counts.size()) * simulator.network().steps);
}

/// Reads the last of these layers.
inline Layer silent_readout(const std::vector<Layer>& layers) {
    const Layer& before = layers.back();
    Layer readout;
    readout.inputs = {static_cast<int>(layers.size()) - 1};
    readout.name = "readout";
    readout.kind = LayerKind::full;
    readout.in_channels = before.out_channels;
    readout.in_height = before.pooled_height;
    readout.in_width = before.pooled_width;
    readout.out_channels = readout.out_height = readout.out_width = readout.pooled_height = readout.pooled_width = 1;
    readout.has_bias = false;
    readout.weight = FloatArray({1, readout.fan_in()});
    return readout;
}

/// The factor of each layer's weights that makes this share of its neurons spike in a step, found on a small
/// photograph.
inline std::vector<float> layer_factors(double share) {
    Network network = parse_network(preset_text("svgg19", 50), {3, 32, 32}, 25);
    initialise_weights(network, 1);
    const FloatArray image = photograph(32);
    std::vector<float> factors(network.layers.size(), 1);
    for (int l = 0; l + 1 < static_cast<int>(network.layers.size()); ++l) {
        Network head = network;
        head.layers.resize(l + 1);
        head.layers.push_back(silent_readout(head.layers));
        const std::vector<float> plain = head.layers[l].weight.data;
        double low = 0.1, high = 40;
        for (int halving = 0; halving < 7; ++halving) {
            factors[l] = static_cast<float>(std::sqrt(low * high));
            for (size_t i = 0; i < plain.size(); ++i) head.layers[l].weight.data[i] = factors[l] * plain[i];
            (rate_of(Simulator(head), l, image) < share ? low : high) = factors[l];
        }
        network.layers[l].weight.data = head.layers[l].weight.data;
    }
    return factors;
}

inline Network scaled_network(const std::vector<float>& factors) {
    Network network = parse_network(preset_text("svgg19", 50), {3, 224, 224}, 25);
    initialise_weights(network, 1);
    for (size_t l = 0; l < factors.size(); ++l)
        for (float& weight : network.layers[l].weight.data) weight *= factors[l];
    return network;
}

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

namespace spikelens::testing {

inline uint64_t draw(uint64_t a, uint64_t b, uint64_t bound) { return random_bits(11, Stream::test, {a, b}) % bound; }

/// Weights and biases that are small multiples of 1/16, and neurons' values of few binary digits: every sum is exact in
/// float, so definitions compare bit for bit.
inline void dyadic_weights(Network& network, uint64_t seed) {
    for (size_t l = 0; l < network.layers.size(); ++l) {
        Layer& layer = network.layers[l];
        for (int64_t i = 0; i < layer.weight.size(); ++i)
            layer.weight.data[i] = static_cast<float>(static_cast<int>(draw(seed, l * 1000003 + i, 33)) - 14) / 16.0F;
        for (int64_t i = 0; i < layer.bias.size(); ++i)
            layer.bias.data[i] = static_cast<float>(static_cast<int>(draw(seed, l * 7919 + i + 5, 9)) - 3) / 16.0F;
        for (int64_t i = 0; i < layer.recurrence.weight.size(); ++i)
            layer.recurrence.weight.data[i] =
                static_cast<float>(static_cast<int>(draw(seed, l * 5903 + i, 33)) - 16) / 32.0F;
        for (NeuronValue& value : layer.values)
            for (float& number : value.values.data) {
                const uint64_t of =
                    draw(seed, l * 3001 + (&number - value.values.data.data()) * 17 + value.field.size(), 4);
                const bool share = value.field == "alpha";
                number = share ? static_cast<float>(of) / 4 : static_cast<float>(of + 1) / 4;
            }
    }
}

inline FloatArray dyadic_images(const Network& network, int64_t count, uint64_t seed) {
    FloatArray images({count, network.channels, network.height, network.width});
    for (int64_t i = 0; i < images.size(); ++i) images.data[i] = static_cast<float>(draw(seed, 99 + i, 9)) / 8.0F;
    return images;
}

/// An image at every step, as numbers.
inline std::vector<std::vector<double>> repeated(const FloatArray& images, int64_t n, int steps) {
    const auto row = images.row(n);
    return std::vector<std::vector<double>>(steps, std::vector<double>(row.begin(), row.end()));
}

}  // namespace spikelens::testing

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/train/calibrate.h"
#include "spikelens/train/outcome.h"

#include "snn/reference_network.h"
#include "support/random_samples.h"

namespace spikelens {
namespace {

using testing::RandomSamples;

Network drawn(std::string_view text, int steps) {
    Network network = parse_network(text, {2, 6, 6}, steps);
    initialise_weights(network, 3);
    return network;
}

/// Weighted sums of a convolution or a fully connected layer, in double, in the most obvious way.
std::vector<double> currents(const Layer& layer, const std::vector<double>& input) {
    std::vector<double> all;
    for (int64_t o = 0; o < layer.out_channels; ++o)
        for (int64_t y = 0; y < layer.out_height; ++y)
            for (int64_t x = 0; x < layer.out_width; ++x) {
                double sum = layer.bias.data[o];
                for (int64_t i = 0; i < layer.in_channels; ++i)
                    for (int64_t ky = 0; ky < layer.kernel; ++ky)
                        for (int64_t kx = 0; kx < layer.kernel; ++kx) {
                            const int64_t row = y + ky - layer.padding, column = x + kx - layer.padding;
                            if (row < 0 || column < 0 || row >= layer.in_height || column >= layer.in_width) continue;
                            const int64_t w = ((o * layer.in_channels + i) * layer.kernel + ky) * layer.kernel + kx;
                            sum += layer.weight.data[w] * input[(i * layer.in_height + row) * layer.in_width + column];
                        }
                all.push_back(sum);
            }
    return all;
}

/// One in a thousand of these, times T since images give the same current at every step, reaches it.
double quantile(std::vector<double> values, int steps) {
    std::ranges::sort(values, std::greater<>());
    return values[static_cast<size_t>(kBalancedShare * static_cast<double>(values.size() * steps)) / steps];
}

TEST(Calibrate, TheFirstThresholdIsTheQuantileOfItsCurrents) {
    Network network = drawn("40C3-LIF(gain=2)-3F", 4);
    const RandomSamples samples({2, 6, 6}, 5);
    double expected = 0;
    for (int64_t n = 0; n < 3; ++n) {
        const FloatArray image = samples.images(std::vector{n});
        expected =
            std::max(expected, 2 * quantile(currents(network.layers[0], {image.data.begin(), image.data.end()}), 4));
    }
    balance_thresholds(network, samples, 3);
    EXPECT_NEAR(network.layers[0].neuron->threshold, expected, 1e-5);
    EXPECT_FLOAT_EQ(network.layers[0].neuron->beta, 0.95F) << "nothing but the threshold changes";
    EXPECT_EQ(network.layers[0].neuron->reset, Reset::subtract);
}

TEST(Calibrate, LaterLayersHearThoseBeforeWithTheirNewThresholds) {
    Network network = drawn("8C3-LIF-MP2-30F-LIF-20F-LIF-3F", 5);
    const RandomSamples samples({2, 6, 6}, 6);
    const Network start = network;
    balance_thresholds(network, samples, 6);
    // Layer by layer: with thresholds of the layers before, the next is found again, whatever it was.
    for (size_t l = 0; l < 3; ++l) {
        Network changed = network;
        changed.layers[l].neuron->threshold = 123;
        balance_thresholds(changed, samples, 6);
        EXPECT_EQ(changed.layers[l].neuron->threshold, network.layers[l].neuron->threshold) << l;
    }
    for (const LayerRate& layer : spike_rates(CpuEngine(network), samples, 6)) EXPECT_GT(layer.rate, 0) << layer.layer;
    EXPECT_EQ(network.layers[1].weight, start.layers[1].weight);
}

TEST(Calibrate, ScaledWeightsGiveScaledThresholdsAndTheSameSpikes) {
    Network network = drawn("8C3b0-LIF-30Fb0-LIF-3F", 5), large = network;
    for (float& weight : large.layers[0].weight.data) weight *= 64;
    const RandomSamples samples({2, 6, 6}, 6);
    balance_thresholds(network, samples, 6);
    balance_thresholds(large, samples, 6);
    EXPECT_EQ(large.layers[0].neuron->threshold, 64 * network.layers[0].neuron->threshold);
    EXPECT_EQ(large.layers[1].neuron->threshold, network.layers[1].neuron->threshold);
    EXPECT_EQ(spike_rates(CpuEngine(large), samples, 6), spike_rates(CpuEngine(network), samples, 6));
}

TEST(Calibrate, ThreadsDoNotMatter) {
    const RandomSamples samples({2, 6, 6}, 9);
    Network network = drawn("8C3-LIF-30F-LIF-3F", 5), other = network;
    balance_thresholds(network, samples, 9, {.threads = 1});
    balance_thresholds(other, samples, 9, {.threads = 3});
    for (size_t l = 0; l < 2; ++l) EXPECT_EQ(other.layers[l].neuron->threshold, network.layers[l].neuron->threshold);
}

TEST(Calibrate, WhatCannotBeBalancedIsRefused) {
    Network network = drawn("4C3-LIF-3F", 5);
    EXPECT_THROW(balance_thresholds(network, RandomSamples({2, 6, 6}, 4), 0), InputError);
    EXPECT_THROW(balance_thresholds(network, RandomSamples({2, 6, 7}, 4), 4), InputError);
    std::ranges::fill(network.layers[0].weight.data, -1.0F);
    std::ranges::fill(network.layers[0].bias.data, -1.0F);
    const Neuron before = *network.layers[0].neuron;
    EXPECT_THROW(balance_thresholds(network, RandomSamples({2, 6, 6}, 4), 4), InputError);
    EXPECT_EQ(*network.layers[0].neuron, before);
}

}  // namespace
}  // namespace spikelens

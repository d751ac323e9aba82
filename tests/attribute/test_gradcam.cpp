#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "small_network.h"
#include "snn/naive_network.h"
#include "snn/reference_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using spikelens::testing::Dual;
using spikelens::testing::ReferenceNetwork;

const Shape shape{2, 6, 5};

/// What follows a layer and its pool, as a network of its own.
Network rest_of(const Network& network, int layer) {
    const Layer& before = network.layers[layer];
    Network rest = network;
    rest.channels = before.out_channels;
    rest.height = before.pooled_height;
    rest.width = before.pooled_width;
    rest.layers.erase(rest.layers.begin(), rest.layers.begin() + layer + 1);
    return rest;
}

std::vector<Dual> pooled(const Layer& layer, const std::vector<Dual>& spikes) {
    if (layer.pool.kind == PoolKind::none) return spikes;
    std::vector<Dual> out;
    for (int c = 0; c < layer.out_channels; ++c)
        for (int y = 0; y < layer.pooled_height; ++y)
            for (int x = 0; x < layer.pooled_width; ++x) {
                Dual sum, first{-1, 0};
                for (int i = 0; i < layer.pool.size; ++i)
                    for (int j = 0; j < layer.pool.size; ++j) {
                        const int row = c * layer.out_height + y * layer.pool.stride + i;
                        const Dual spike = spikes[row * layer.out_width + x * layer.pool.stride + j];
                        sum = sum + spike;
                        if (spike.value > first.value) first = spike;
                    }
                const double window = layer.pool.size * layer.pool.size;
                out.push_back(layer.pool.kind == PoolKind::max   ? first
                              : layer.pool.kind == PoolKind::sum ? sum
                                                                 : (1 / window) * sum);
            }
    return out;
}

/// Spikes of a layer of one sample [T][C·H·W] and ∂y_c/∂ each of them.
struct SpikeSlopes {
    std::vector<std::vector<double>> spikes, slopes;

    SpikeSlopes(const Network& network, int layer, const std::vector<std::vector<double>>& input, int target) {
        const naive::Activity activity = naive::simulate(network, input);
        const size_t size = activity.spikes[layer].size() / input.size();
        const Network after = rest_of(network, layer);
        const ReferenceNetwork reference(after, Surrogate{}, false);
        std::vector<std::vector<Dual>> raw, received;
        for (size_t t = 0; t < input.size(); ++t) {
            raw.emplace_back();
            for (size_t i = 0; i < size; ++i) raw.back().push_back({double(activity.spikes[layer][t * size + i]), 0});
            received.push_back(pooled(network.layers[layer], raw.back()));
        }
        for (size_t t = 0; t < raw.size(); ++t) {
            spikes.emplace_back();
            slopes.emplace_back();
            for (Dual& spike : raw[t]) {
                spikes.back().push_back(spike.value);
                spike.slope = 1;
                received[t] = pooled(network.layers[layer], raw[t]);
                slopes.back().push_back(reference.scores(received)[target].slope);
                spike.slope = 0;
            }
            received[t] = pooled(network.layers[layer], raw[t]);
        }
    }

    /// max(0, Σ_k α_k A_k,t), [T][H·W]
    std::vector<std::vector<double>> cam(int64_t channels) const {
        const size_t pixels = spikes[0].size() / channels;
        std::vector<double> alpha(channels);
        for (const auto& frame : slopes)
            for (size_t i = 0; i < frame.size(); ++i)
                alpha[i / pixels] += frame[i] / static_cast<double>(pixels * slopes.size());
        std::vector<std::vector<double>> maps(spikes.size(), std::vector<double>(pixels));
        for (size_t t = 0; t < spikes.size(); ++t) {
            for (size_t i = 0; i < spikes[t].size(); ++i) maps[t][i % pixels] += alpha[i / pixels] * spikes[t][i];
            for (double& value : maps[t]) value = std::max(0.0, value);
        }
        return maps;
    }
};

std::vector<Input> both_inputs() { return {test::test_images(2, shape), test::test_spikes(7, 2, shape)}; }

TEST(SpikeGradient, IsTheDerivativeByEverySpikeOfTheLayer) {
    const std::vector<int> targets{2, 0};
    for (const char* text :
         {"3C3-LIF-MP2-4C2-LIF-4F-LIF-3F", "3C3-LIF-AP2-4F-LIF-3F-LIF", "3C3-LIF(delay)-SP2-3F-LI(beta=0.7)",
          "3C3-LIF-MP3s2-3C3s2-LIF(alpha=0.5)-3F", "5F-LIF-4F-LIF-3F"}) {
        const Network network = test::small_network(text, shape, 4);
        const CpuEngine gradient(network);
        double largest = 0;
        for (const Input& input : both_inputs()) {
            const int64_t steps = input.spiking() ? 7 : 4;
            const FloatArray scores = gradient.gradient(input, targets).scores;
            for (int l = 0; l + 1 < static_cast<int>(network.layers.size()); ++l) {
                const Layer& layer = network.layers[l];
                const auto result = gradient.spike_gradient(input, targets, l);
                const int64_t size = int64_t{layer.out_channels} * layer.out_height * layer.out_width;
                EXPECT_EQ(result.scores, scores);
                ASSERT_EQ(result.spikes.shape,
                          (Shape{2, steps, layer.out_channels, layer.out_height, layer.out_width}));
                ASSERT_EQ(result.gradient.shape, result.spikes.shape);
                for (int64_t n = 0; n < 2; ++n) {
                    const SpikeSlopes expected(network, l, test::frames_of(input, n, steps), targets[n]);
                    for (int64_t i = 0; i < steps * size; ++i) {
                        const double slope = expected.slopes[i / size][i % size];
                        ASSERT_EQ(result.spikes.row(n)[i], expected.spikes[i / size][i % size])
                            << text << " layer " << l;
                        ASSERT_NEAR(result.gradient.row(n)[i], slope, 1e-5 + 1e-4 * std::abs(slope))
                            << text << " layer " << l;
                        largest = std::max(largest, std::abs(slope));
                    }
                }
            }
        }
        EXPECT_GT(largest, 1e-3) << text << ": nothing was tested, the gradient is zero";
    }
}

TEST(SpikeGradient, OfTheOutputNeuronsIsTheirShareOfTheScore) {
    const Network network = test::small_network("4F-LIF-3F-LIF", shape, 4);
    const auto result = CpuEngine(network).spike_gradient(test::test_images(1, shape), std::vector{1}, 1);
    ASSERT_EQ(result.gradient.shape, (Shape{1, 4, 3, 1, 1}));
    for (int64_t i = 0; i < 12; ++i) EXPECT_EQ(result.gradient.data[i], i % 3 == 1 ? 0.25F : 0.0F);
}

TEST(SpikeGradient, RefusesWhatDoesNotFit) {
    const CpuEngine gradient(test::small_network("3C3-LIF-MP2-3F", shape, 4));
    const Input images = test::test_images(1, shape);
    for (int layer : {-1, 1, 2})
        EXPECT_THROW(gradient.spike_gradient(images, std::vector{0}, layer), InputError) << layer;
    EXPECT_THROW(gradient.spike_gradient(images, std::vector{3}, 0), InputError);
    EXPECT_THROW(gradient.spike_gradient(test::test_images(1, {2, 5, 5}), std::vector{0}, 0), InputError);
    EXPECT_THROW(gradient.spike_gradient(Array<uint8_t>({1, 0, 2, 6, 5}), std::vector{0}, 0), InputError);
}

TEST(GradCam, IsThePapersMapAtEveryStepEnlargedToTheInput) {
    const std::vector<int> targets{2, 0};
    const std::vector<int64_t> samples{0, 1};
    const Network network = test::small_network("4C3-LIF-MP2-5C3-LIF-3F", shape, 4);
    const CpuEngine simulator(network);
    for (const Input& input : both_inputs()) {
        const int64_t steps = input.spiking() ? 7 : 4;
        for (const auto& [spec, layer] :
             {std::pair{"gradcam:layer=conv1", 0}, {"gradcam", 1}, {"gradcam:layer=last", 1}}) {
            const FloatArray maps = explain(parse_method(spec), {.engine = &simulator}, {input, targets, samples});
            ASSERT_EQ(maps.shape, (Shape{2, steps, 1, 6, 5}));
            const Layer& at = network.layers[layer];
            double largest = 0;
            for (int64_t n = 0; n < 2; ++n) {
                const auto cam =
                    SpikeSlopes(network, layer, test::frames_of(input, n, steps), targets[n]).cam(at.out_channels);
                for (int64_t t = 0; t < steps; ++t) {
                    FloatArray map({at.out_height, at.out_width}, {cam[t].begin(), cam[t].end()});
                    map = resize_bilinear(map, 6, 5);  // the same picture where the layer has the input's size
                    for (int64_t i = 0; i < 30; ++i) {
                        EXPECT_NEAR(maps.row(n)[t * 30 + i], map.data[i], 1e-5 + 1e-4 * map.data[i])
                            << spec << " step " << t;
                        largest = std::max<double>(largest, map.data[i]);
                    }
                }
            }
            EXPECT_GT(largest, 1e-3) << spec << ": nothing was tested, the map is zero";
        }
    }
}

TEST(GradCam, ReadsConvolutionsOnly) {
    const Network network = test::small_network("4C3-LIF-5F-LIF-3F", shape, 4),
                  dense = test::small_network("4F-LIF-3F", shape, 4);
    const Input images = test::test_images(1, shape);
    const std::vector<int> targets{0};
    const std::vector<int64_t> samples{0};
    const auto map = [&](const std::string& spec, const Network& of) {
        const CpuEngine simulator(of);
        return explain(parse_method(spec), {.engine = &simulator}, {images, targets, samples});
    };
    EXPECT_EQ(map("gradcam", network), map("gradcam:layer=conv1", network));
    EXPECT_THROW(map("gradcam:layer=full2", network), InputError);
    EXPECT_THROW(map("gradcam", dense), InputError);
}

}  // namespace
}  // namespace spikelens

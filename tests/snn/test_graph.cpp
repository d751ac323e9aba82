#include <algorithm>
#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/engine.h"

#include "dyadic.h"
#include "kernels/dispatch.h"
#include "naive_network.h"
#include "random_graph.h"

namespace spikelens {
namespace {

using testing::draw;
using testing::dyadic_images;
using testing::dyadic_weights;
using testing::RandomGraph;
using testing::repeated;

/// Everything of every layer with a neuron.
RecordRequest everything(const Network& network) {
    RecordRequest request{{}, true, true, true, true};
    for (int l = 0; l < static_cast<int>(network.layers.size()); ++l)
        if (network.layers[l].neuron) request.layers.push_back(l);
    return request;
}

/// The network of a graph's text, drawn or given.
Network graph(const std::string& text, uint64_t seed) {
    Network network = parse_network(text, {2, 14, 16}, 1 + static_cast<int>(draw(seed, 20, 7)));
    dyadic_weights(network, seed);
    return network;
}

/// A network that normalises each of 4 steps by itself: before neurons of all kinds, of currents and of spikes, pooled,
/// in branches, behind recurrence, and as the readout.
Network normalising(uint64_t seed) {
    const std::vector<std::string> texts = {
        "6C3b0-BN4-LIF(beta=0.5)-MP2-6C3-BN4-LIF(beta=0.5,reset=zero,delay)-70F-BN4-LIF(beta=0.5,alpha=0.5)-5F",
        "6C3-BN4-AP2-LIF(beta=*)-[6C3b0-BN4-LIF(beta=0.5)-6C3b0-BN4|]add-IF(threshold=1.5)-5F-BN4",
        "6C3-MP2-BN4-LIF(decay_input,gain=4,beta=0.5)-[6C3-BN4-IF|BN4-IF|]cat-6C3g2-RC3-IF-5F-BN4-LI(beta=0.5)",
        "80C1-BN4-IF(adapt=0.5,rho=0.5)-SP2-BN4-IF(threshold=**)-5C3-BN4-GMP",
    };
    Network network = parse_network(texts[seed % texts.size()], {2, 14, 16}, 4);
    dyadic_weights(network, seed);
    return network;
}

/// Of so many seeds graphs with everything else, then of four with that.
std::vector<std::pair<uint64_t, Network>> networks(uint64_t first, uint64_t count) {
    std::vector<std::pair<uint64_t, Network>> all;
    for (uint64_t seed = first; seed < first + count; ++seed)
        all.emplace_back(seed, graph(RandomGraph(seed).text(), seed));
    for (uint64_t seed = first; seed < first + 4; ++seed) all.emplace_back(seed, normalising(seed));
    return all;
}

void expect_definition(const Recording& recording, int64_t n, const Network& network, const naive::Activity& expected,
                       const std::string& what) {
    for (int64_t c = 0; c < network.class_count(); ++c)  // means of currents are rounded
        EXPECT_NEAR(recording.scores.row(n)[c], expected.scores[c], 1e-6 * std::max(1.0, std::abs(expected.scores[c])))
            << what;
    for (const LayerRecording& layer : recording.layers) {
        const auto spikes = layer.spikes.row(n);
        ASSERT_TRUE(std::ranges::equal(spikes, expected.spikes[layer.layer])) << what << ", layer " << layer.layer;
        const auto potentials = layer.potentials.row(n);
        ASSERT_TRUE(std::ranges::equal(potentials, expected.potentials[layer.layer]))
            << what << ", layer " << layer.layer;
        const int64_t size = layer.counts.row_size();
        std::vector<uint16_t> counts(size);
        for (size_t i = 0; i < spikes.size(); ++i) counts[i % size] += spikes[i];
        ASSERT_TRUE(std::ranges::equal(layer.counts.row(n), counts)) << what << ", layer " << layer.layer;
    }
}

/// Images and whole numbers of spikes through every kernel, against the definition.
void expect_definition(const Network& network, uint64_t seed, const std::vector<FilterIndex>& ablated = {}) {
    const FloatArray images = dyadic_images(network, 2, seed);
    Array<uint8_t> spikes({1, 4, 2, network.height, network.width});
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[i] = draw(seed, 40 + i, 3) == 0 ? 1 + draw(seed, 41 + i, 3) : 0;
    std::vector<std::vector<double>> frames;
    for (int t = 0; t < 4; ++t) {
        const auto frame = spikes.row(0).subspan(t * images.row_size(), images.row_size());
        frames.emplace_back(frame.begin(), frame.end());
    }
    const naive::Activity of_spikes = naive::simulate(network, frames, ablated);
    std::vector<naive::Activity> of_images;
    for (int64_t n = 0; n < 2; ++n)
        of_images.push_back(naive::simulate(network, repeated(images, n, network.steps), ablated));
    const RecordRequest request = everything(network);
    for (const std::string& kernel : kernels::supported_kernels()) {
        const Simulator simulator(network, {.threads = 1, .kernel = kernel});
        const std::string what = network_text(network) + " " + kernel;
        const Recording recording = simulator.run(images, request, ablated);
        for (int64_t n = 0; n < 2; ++n) expect_definition(recording, n, network, of_images[n], what);
        expect_definition(simulator.run_spikes(spikes, request, ablated), 0, network, of_spikes, what + " spikes");
    }
}

TEST(Graph, RandomGraphsEqualTheDefinitionBitForBitOnExactNumbers) {
    for (const auto& [seed, network] : networks(0, 32)) expect_definition(network, seed);
}

TEST(Graph, NormalisationsOfEachStepTakeInputsOfTheirStepsAlone) {
    const Network network = normalising(0);
    const std::string what =
        "layer norm2 normalises each of 4 steps by itself, but the input has 5; expected the same number";
    const auto refusal = [&](auto call) -> std::string {
        try {
            call();
        } catch (const InputError& error) {
            return error.what();
        }
        return "";
    };
    EXPECT_EQ(refusal([&] { Simulator(network).run_spikes(Array<uint8_t>({1, 5, 2, 14, 16})); }), what);
    EXPECT_EQ(refusal([&] {
                  CpuEngine(network).sequence_gradient(FloatArray({1, 5, 2, 14, 16}), std::vector{0});
              }),
              what);
    Network longer = network;
    longer.steps = 5;
    EXPECT_NE(refusal([&] { Simulator{longer}; })
                  .find("layer norm2 normalises each of 4 steps by itself, but the network runs "
                        "for 5; expected the same number"),
              std::string::npos);
}

/// More channels than a word and than registers hold, and sums of spikes: a spike counts as often as it is there.
TEST(Graph, WideGroupsEqualTheDefinition) {
    for (const char* text :
         {"80C1-LIF(beta=0.5)-SP2s1-80C3g80-IF-40C3g20-IF-34C3d2g2-IF-5F", "72C3g2-R1-IF-72C1x3g72d1x2-IF-MP2-5F"})
        expect_definition(graph(text, 3), 3);
}

TEST(Graph, GivesTheSameBytesForKernelsThreadsAndBatches) {
    for (auto& [seed, network] : networks(100, 8)) {
        initialise_weights(network, seed);
        for (Layer& layer : network.layers)
            for (float& weight : layer.weight.data) weight *= 3;
        FloatArray images({5, 2, 14, 16});
        for (int64_t i = 0; i < images.size(); ++i)
            images.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {uint64_t(i)}));
        const RecordRequest request = everything(network);
        const Recording expected = Simulator(network, {.threads = 1, .kernel = "scalar"}).run(images, request);
        for (const std::string& kernel : kernels::supported_kernels())
            for (const int threads : {1, 3}) {
                const Simulator simulator(network, {.threads = threads, .kernel = kernel});
                const Recording got = simulator.run(images, request);
                ASSERT_EQ(got.scores, expected.scores) << kernel << " " << network_text(network);
                ASSERT_EQ(simulator.run(images).scores, expected.scores) << kernel << " " << network_text(network);
                for (size_t l = 0; l < got.layers.size(); ++l) {
                    ASSERT_EQ(got.layers[l].spikes, expected.layers[l].spikes)
                        << kernel << " " << network_text(network);
                    ASSERT_EQ(got.layers[l].potentials, expected.layers[l].potentials);
                    ASSERT_EQ(got.layers[l].pooled_counts, expected.layers[l].pooled_counts);
                }
            }
    }
}

TEST(Graph, AblationsSilenceFiltersOfEveryKindOfLayer) {
    for (const auto& [seed, network] : networks(200, 8)) {
        const RecordRequest all = everything(network);
        std::vector<std::vector<FilterIndex>> sets = {{}};
        for (int i = 0; i < 4; ++i) {
            std::vector<FilterIndex>& set = sets.emplace_back();
            for (int k = 0; k <= i; ++k) {
                const int layer = all.layers[draw(seed, 60 + 7 * i + k, all.layers.size())];
                set.push_back(
                    {layer, static_cast<int>(draw(seed, 90 + 7 * i + k, network.layers[layer].out_channels))});
            }
        }
        expect_definition(network, seed, sets[3]);
        const FloatArray images = dyadic_images(network, 3, seed);
        for (const int threads : {1, 2}) {
            const Simulator simulator(network, {.threads = threads, .kernel = ""});
            const FloatArray scores = simulator.run_ablations(images, sets);
            for (size_t i = 0; i < sets.size(); ++i)
                EXPECT_TRUE(std::ranges::equal(scores.row(static_cast<int64_t>(i)),
                                               simulator.run(images, {}, sets[i]).scores.data))
                    << network_text(network) << ", set " << i;
        }
    }
}

/// Samples that differ in few pixels, as insertion makes them, some not at all: each as it is alone.
TEST(Graph, WhatChangesFromSampleToSampleGivesTheSameBytes) {
    for (const auto& numbered : networks(300, 16)) {
        const uint64_t seed = numbered.first;
        const Network& network = numbered.second;
        FloatArray images({9, 2, 14, 16});
        Array<uint8_t> spikes({9, 4, 2, 14, 16});
        const auto change = [&](auto& samples, uint64_t most) {
            const int64_t size = samples.row_size();
            for (int64_t n = 0; n < 9; ++n) {
                if (n > 0) std::ranges::copy(samples.row(n - 1), samples.row(n).begin());
                const int64_t changed = n == 0 ? size : n == 5 ? 0 : 1 + static_cast<int64_t>(draw(seed, n, 9));
                for (int64_t i = 0; i < changed; ++i) {
                    const auto place = n == 0 ? i : static_cast<int64_t>(draw(seed, 1000 * n + i, size));
                    samples.row(n)[place] = static_cast<std::remove_reference_t<decltype(samples.data[0])>>(
                        draw(seed, 7000 * n + i, most + 1));
                }
            }
        };
        change(images, 2), change(spikes, 1);
        for (const int threads : {1, 2}) {
            const Simulator simulator(network, {.threads = threads});
            const FloatArray of_images = simulator.run(images).scores, of_spikes = simulator.run_spikes(spikes).scores;
            for (int64_t n = 0; n < 9; ++n) {
                const FloatArray image({1, 2, 14, 16}, {images.row(n).begin(), images.row(n).end()});
                const Array<uint8_t> one({1, 4, 2, 14, 16}, {spikes.row(n).begin(), spikes.row(n).end()});
                EXPECT_TRUE(std::ranges::equal(of_images.row(n), simulator.run(image).scores.data))
                    << network_text(network) << ", image " << n;
                EXPECT_TRUE(std::ranges::equal(of_spikes.row(n), simulator.run_spikes(one).scores.data))
                    << network_text(network) << ", spikes " << n;
            }
        }
    }
}

TEST(Graph, LittleMemoryGivesTheSameBytesAndTooLittleIsRefused) {
    const Network network = graph("16C3-LIF-[16C3-LIF-16C3|]add-LIF-[16C3-LIF|]add-AP2-5F", 1);
    const FloatArray images = dyadic_images(network, 6, 1);
    const Simulator much(network, {.threads = 3}), little(network, {.threads = 3, .memory = 24 << 20});
    EXPECT_EQ(much.run(images).scores, little.run(images).scores);
    EXPECT_THROW(Simulator(network, {.memory = 1 << 18}).run(images), InputError);
}

/// One neuron by hand: the spikes of a graph with these weights for an input of one pixel, step by step.
std::vector<int> spikes_of(const std::string& text, const std::vector<float>& weights,
                           const std::vector<uint8_t>& input, int layer) {
    Network network = parse_network(text, {1, 1, 1}, 1);
    size_t next = 0;
    for (Layer& one : network.layers)
        for (float& weight : one.weight.data) weight = weights.at(next++);
    const Recording recording = Simulator(network).run_spikes(
        Array<uint8_t>({1, static_cast<int64_t>(input.size()), 1, 1, 1}, input), {{layer}, false, false, true, false});
    const auto& spikes = recording.layer(layer).spikes.data;
    return {spikes.begin(), spikes.end()};
}

TEST(Graph, ResidualBlocksByHand) {
    const std::vector<uint8_t> input = {1, 1, 0, 1};
    // conv1 spikes with the input (1 > 0.5); conv2 needs two of its spikes (0.4 + 0.4 > 0.5), then resets to 0.3.
    const std::string block = "1C1b0-IF(threshold=0.5,reset=zero)-[1C1b0-IF(threshold=0.5)|]";
    EXPECT_EQ(spikes_of(block + "add-1C1b0-IF(threshold=1.5,reset=none)-1Fb0", {1, 0.4F, 1, 1}, input, 3),
              (std::vector{0, 1, 1, 1}));  // 1, then 1 + 2
    EXPECT_EQ(spikes_of(block + "and-1C1b0-IF(threshold=0.5)-1Fb0", {1, 0.4F, 1, 1}, input, 3),
              (std::vector{0, 1, 0, 1}));
    EXPECT_EQ(spikes_of(block + "iand-1C1b0-IF(threshold=0.5)-1Fb0", {1, 0.4F, 1, 1}, input, 3),
              (std::vector{0, 0, 0, 0}));
    EXPECT_EQ(
        spikes_of("1C1b0-IF(threshold=0.5,reset=zero)-[|1C1b0-IF(threshold=0.5)]iand-1C1b0-IF(threshold=0.5)-1Fb0",
                  {1, 0.4F, 1, 1}, input, 3),
        (std::vector{1, 0, 0, 0}));  // only where conv2 is silent
    // A sum of currents and spikes: 0.4 + 1 each time there is a spike, above 1.
    EXPECT_EQ(spikes_of("1C1b0-IF(threshold=0.5,reset=zero)-[1C1b0|]add-IF(threshold=1)-1Fb0", {1, 0.4F, 1}, input, 2),
              (std::vector{1, 1, 0, 1}));
}

TEST(Graph, TheOrderOfStagesIsThatOfOperations) {
    const FloatArray pixels({1, 1, 2, 2}, std::vector<float>{3, -1, 2, 0});
    const auto score = [&](const std::string& text) {
        Network network = parse_network(text, {1, 2, 2}, 1);
        for (Layer& layer : network.layers)
            for (float& weight : layer.weight.data) weight = 1;
        return Simulator(network).run(pixels).scores.data[0];
    };
    EXPECT_EQ(score("1C1b0-AP2-IF(threshold=0.5)-1Fb0"), 1);     // the mean, 1, is above 0.5
    EXPECT_EQ(score("1C1b0-AP2-IF-1Fb0"), 0);                    // and not above 1
    EXPECT_EQ(score("1C1b0-IF-AP2-1Fb0"), 0.5F);                 // two of four spike
    EXPECT_EQ(score("1C1b0-SP2-IF(threshold=3.5)-1Fb0"), 1);     // the sum is 4
    EXPECT_EQ(score("1C1b0-MP2-IF(threshold=2.5)-1Fb0"), 1);     // the maximum is 3
    EXPECT_EQ(score("1C1b0-IF-SP2-IF(threshold=1.5)-1Fb0"), 1);  // two spikes are a current of 2
    EXPECT_EQ(score("1C1b0-GAP"), 1);
    EXPECT_EQ(score("1C1b0-GMP"), 3);
    EXPECT_EQ(score("1C1b0-IF-GSP"), 2);
}

}  // namespace
}  // namespace spikelens

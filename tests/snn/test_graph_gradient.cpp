#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/engine.h"

#include "dyadic.h"
#include "random_graph.h"
#include "snn/gradient_pass.h"

namespace spikelens {
namespace {

using testing::draw;
using testing::RandomGraph;

Network lively(const std::string& text, const Shape& input, uint64_t seed) {
    Network network = parse_network(text, input, 4);
    testing::dyadic_weights(network, seed);
    return network;
}

FloatArray values_of(const Shape& shape, uint64_t seed) {
    FloatArray values(shape);
    for (int64_t i = 0; i < values.size(); ++i)
        values.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)}));
    return values;
}

/// Graphs of every kind of layer, small enough for finite differences.
const std::vector<const char*> kTexts = {
    "3C3-LIF-[3C3-LIF-3C3-LIF|]add-MP2-2F",
    "3C3-LIF-[3C3-MP2|3C1-AP2]add-LIF(beta=0.5,reset=zero)-2F-IF",
    "3C3-LIF-[3C3-IF|]and-[|3C3-LIF(beta=0.5,delay)]iand-2F-LI(beta=0.5,alpha=0.75)",
    "4C3g2-LIF(beta=**,threshold=*,alpha=*)-AP2-SP2s1-[2C1-IF|2C1x2p0x1s1-IF-AP1x2s1]cat-2F",
    "3C3d2-RC3-LIF-6F-R-LIF(beta=0.5,decay_input,gain=2)-6F-R1-IF(reset=zero,v_reset=-0.25)-[2F|2F]add",
    "2C3-MP2-LIF-2C1-GAP",
    "[3C3|3C1]add-IF(reset=none)-2C1-LIF-GSP",
    "3C3-LIF(adapt=0.5,rho=0.75)-3C3-LIF(beta=0.5,reset=zero,v_reset=0.25,adapt=0.5,rho=0.5)-2F",
    "3C3-MP3s2p1-LIF-[2C3-LIF-MP3s1p1|2C3-AP3s1p1-LIF]cat-SP2s2c-2F",
    "3C3-IF(delay,adapt=**,rho=0.5)-4F-R-LIF(reset=none,adapt=0.25,rho=0.875)-2F-LIF(alpha=0.5,adapt=0.5)",
    "3C3-BN4-MP2-LIF-[3C3b0-BN4-LIF(beta=*)|BN4]add-LIF(alpha=0.5)-2F-BN4",
};

TEST(GraphGradient, EqualsFiniteDifferencesOfTheSmoothedNetwork) {
    const Shape shape{2, 4, 6};
    for (const char* text : kTexts) {
        const CpuEngine engine(lively(text, shape, 5), {.threads = 1},
                               {parse_surrogate("sigmoid(4,through_reset)"), true, true});
        const FloatArray input = values_of({1, 4, 2, 4, 6}, 9);
        const std::vector<int> target{1};
        const FloatArray gradient = engine.sequence_gradient(input, target).gradient;
        constexpr float h = 1.0F / 256;
        for (int64_t i = 0; i < input.size(); i += 5) {
            FloatArray more = input, less = input;
            more.data[i] += h;
            less.data[i] -= h;
            const double difference = (double{engine.sequence_gradient(more, target).scores.data[1]} -
                                       double{engine.sequence_gradient(less, target).scores.data[1]}) /
                                      (double{more.data[i]} - double{less.data[i]});
            EXPECT_NEAR(gradient.data[i], difference, 2e-4 + 2e-3 * std::abs(difference)) << text;
        }
    }
}

TEST(GraphGradient, OfAChainIsThatOfChains) {
    const Shape shape{2, 8, 7};
    // The same network twice: a pool of one pixel more makes it a graph.
    const Network chain = lively("3C3-LIF-MP2-4C3-LIF(beta=0.5,reset=zero)-AP2-5F-LIF(alpha=0.5)-3F", shape, 3);
    Network graph = parse_network("3C3-LIF-MP2-MP1-4C3-LIF(beta=0.5,reset=zero)-AP2-5F-LIF(alpha=0.5)-3F", shape, 4);
    for (size_t from = 0, to = 0; from < chain.layers.size(); ++from, ++to) {
        if (!graph.layers[to].weighted()) ++to;
        graph.layers[to].weight = chain.layers[from].weight;
        graph.layers[to].bias = chain.layers[from].bias;
    }
    ASSERT_FALSE(is_chain(graph));
    const Input images = values_of({3, 2, 8, 7}, 4);
    const std::vector<int> targets{0, 2, 1};
    const CpuEngine one(chain), other(graph);
    const InputGradient a = one.gradient(images, targets), b = other.gradient(images, targets);
    EXPECT_EQ(a.scores, b.scores);
    const SpikeGradient c = one.spike_gradient(images, targets, 1), d = other.spike_gradient(images, targets, 2);
    EXPECT_EQ(c.spikes, d.spikes);
    const auto expect_near = [](const FloatArray& x, const FloatArray& y) {
        double largest = 1e-12;
        for (const float value : x.data) largest = std::max(largest, std::abs(double{value}));
        for (int64_t i = 0; i < x.size(); ++i) ASSERT_NEAR(x.data[i], y.data[i], 1e-5 * largest) << i;
    };
    expect_near(a.gradient, b.gradient);
    expect_near(c.gradient, d.gradient);
}

/// The network's ways back: in float32 by the layers' adjoints, and by the definitions in double from the same
/// potentials.
void expect_definition(const Network& network, const Input& input, const std::string& surrogate) {
    const GradientOptions options{parse_surrogate(surrogate)};
    const std::vector<int> targets{1, 0};
    const CpuEngine engine(network, {.threads = 1}, options);
    const Simulator simulator(network, {.threads = 1});
    const auto pass = make_graph_pass(network, options, &simulator);
    const auto expect_near = [&](std::span<const float> got, const std::vector<float>& expected,
                                 const std::string& what) {
        double largest = 1e-12;
        for (const float value : expected) largest = std::max(largest, std::abs(double{value}));
        for (size_t i = 0; i < expected.size(); ++i)
            ASSERT_NEAR(got[i], expected[i], 1e-5 * largest) << network_text(network) << what << i;
    };
    const InputGradient result = engine.gradient(input, targets);
    for (int64_t n = 0; n < 2; ++n) {
        const Input one = input.select({&n, 1});
        std::vector<float> values(one.images.data), gradient(result.gradient.row_size()), scores(network.class_count());
        if (input.spiking()) values.assign(one.spikes.data.begin(), one.spikes.data.end());
        const int steps = input.spiking() ? static_cast<int>(input.steps()) : network.steps;
        pass->forward({values, steps, !input.spiking()}, scores);
        pass->input_gradient(targets[n], gradient);
        expect_near(result.gradient.row(n), gradient, ", input ");
        EXPECT_TRUE(std::ranges::equal(result.scores.row(n), scores)) << network_text(network);
        for (int l = 0; l < static_cast<int>(network.layers.size()); ++l) {
            if (!network.layers[l].neuron) continue;
            const SpikeGradient at_spikes = engine.spike_gradient(one, {&targets[n], 1}, l);
            std::vector<float> spikes(at_spikes.spikes.size()), to_spikes(spikes.size());
            pass->forward({values, steps, !input.spiking()}, scores);
            pass->spike_gradient(targets[n], l, spikes, to_spikes);
            EXPECT_EQ(at_spikes.spikes.data, spikes);
            expect_near(at_spikes.gradient.data, to_spikes, ", " + network.layers[l].name + " ");
        }
    }
}

TEST(GraphGradient, OfOrdinaryLayersInFloatIsTheDefinitionInDouble) {
    const std::vector<std::string> texts = {
        "3C3-LIF-[3C3-LIF-3C3-LIF|]add-MP2-2F",
        "3C3-LIF-[3C3-MP2|3C1-AP2]add-LIF(beta=0.5,reset=zero)-2F-IF",
        "[3C3|3C1]add-IF(reset=none)-2C1-LIF-GSP",
        "3C3-LIF-[3C3|]add-LIF(alpha=0.5,beta=0.5)-[|3C1-LIF|@conv1]add-[3C3-IF|2C1-SP1-MP1]cat-LIF-MP2-2F",
        "4C3-LIF(alpha=0.5)-AP2-SP2s1-[2C1-IF|2C1x2p0x1s1-IF-AP1x2s1]cat-2F",
        "4C3g2-MP1x2-LIF(delay)-4C3g4-LIF-[|4C3d2]add-IF(decay_input,gain=2)-MP2x1-2C1-GAP-LI(beta=0.5)",
        "2C3-MP2-LIF-2C1-GMP",
        "3C3-AP2-LIF-[2F|2F-LIF-2F]add",
        "20C3-LIF-[70C1-IF|3C3]cat-IF-[5F-IF-2F|2F]add-IF",
        "3C3-MP3s2p1-LIF-[2C3-LIF-MP3s1p1|2C3-AP3s1p1-LIF]cat-SP2s2c-2F",
        "3C3b0-BN4-LIF(beta=0.5,alpha=0.5)-AP2-[3C3-BN4-MP1x2s1p0x0-LIF|3C1x2p0x0]add-SP1-BN4-LIF-2F-BN4-LI(beta=0.5)",
        "20C3-BN4-LIF-BN4-IF-2F-BN4-IF",
        "9C3-LIF-MP3s2c-9C3-LIF-AP3s2p1x0-[4C1-MP2p1-IF|4C1-LIF-SP2p1]add-2F",
    };
    int fast = 0;
    for (uint64_t seed = 0; seed < texts.size(); ++seed) {
        const Network network = lively(texts[seed], {2, 4, 6}, seed);
        fast += ExactGradient::can(network) ? 1 : 0;
        Array<uint8_t> spikes({2, 4, 2, 4, 6});
        for (int64_t i = 0; i < spikes.size(); ++i)
            spikes.data[i] = draw(seed, 70 + i, 3) == 0 ? 1 + draw(seed, 71 + i, 2) : 0;
        for (const char* surrogate : {"triangle", "atan(2,through_reset)"}) {
            expect_definition(network, values_of({2, 2, 4, 6}, seed), surrogate);
            expect_definition(network, spikes, surrogate);
        }
    }
    EXPECT_EQ(fast, 13);
}

TEST(GraphGradient, HasTheScoresOfTheSimulationAndDoesNotDependOnTheBatch) {
    for (uint64_t seed = 0; seed < 12; ++seed) {
        const Network network = lively(RandomGraph(seed).text(), {2, 14, 16}, seed);
        const CpuEngine engine(network, {.threads = 2});
        const Input images = values_of({2, 2, 14, 16}, seed);
        const std::vector<int> targets{1, 0};
        const InputGradient both = engine.gradient(images, targets);
        EXPECT_EQ(both.scores, engine.run(images).scores);
        const InputGradient second = engine.gradient(images.select(std::vector<int64_t>{1}), {&targets[1], 1});
        EXPECT_TRUE(std::ranges::equal(second.gradient.data, both.gradient.row(1)));
        // Forward in double is the same network up to rounding.
        FloatArray sequence({1, network.steps, 2, 14, 16});
        for (int64_t i = 0; i < sequence.size(); ++i)
            sequence.data[i] = std::round(images.images.row(0)[i % 448] * 4) / 4;
        FloatArray image({1, 2, 14, 16});
        std::copy_n(sequence.data.begin(), image.size(), image.data.begin());
        const FloatArray own = engine.sequence_gradient(sequence, {&targets[0], 1}).scores,
                         exact = engine.run(image).scores;
        for (int64_t c = 0; c < own.size(); ++c)
            EXPECT_NEAR(own.data[c], exact.data[c], 1e-5 * (1 + std::abs(exact.data[c]))) << network_text(network);
    }
}

TEST(GraphGradient, RefusesWhatDoesNotFit) {
    const CpuEngine engine(lively(kTexts[0], {2, 4, 6}, 1));
    const Input images = values_of({2, 2, 4, 6}, 1);
    EXPECT_THROW(engine.gradient(images, std::vector{0}), InputError);
    EXPECT_THROW(engine.gradient(images, std::vector{0, 2}), InputError);
    EXPECT_THROW(engine.gradient(values_of({1, 2, 4, 5}, 1), std::vector{0}), InputError);
    EXPECT_THROW(engine.spike_gradient(images, std::vector{0, 1}, 3), InputError);  // the sum has no neuron
    EXPECT_THROW(
        CpuEngine(lively(kTexts[0], {2, 4, 6}, 1), {.memory = 1 << 20}).gradient(values_of({1, 2, 4, 6}, 1), {}),
        InputError);
}

}  // namespace
}  // namespace spikelens

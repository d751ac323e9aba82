#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/snn/simulate.h"

#include "dyadic.h"
#include "kernels/dispatch.h"
#include "naive_network.h"

namespace spikelens {
namespace {

using testing::draw;
using testing::dyadic_images;
using testing::dyadic_weights;
using testing::repeated;

/// Texts that cross every feature: kernels, strides, paddings, odd channel counts, pools, neurons, readouts. β is
/// dyadic.
std::string random_text(uint64_t seed) {
    const auto pick = [&](uint64_t what, std::initializer_list<const char*> from) {
        return std::string(from.begin()[draw(seed, what, from.size())]);
    };
    const auto neuron = [&](uint64_t what) {
        return pick(what, {"LIF(beta=0.5)", "IF", "LIF(beta=0.5,reset=zero)", "LIF(beta=0.5,delay)",
                           "LIF(beta=0.5,reset=none,ge)", "LIF(beta=0.5,reset=zero,delay,v_reset=-0.25)",
                           "IF(ge,threshold=1.5)", "LIF(beta=0.5,decay_input,gain=4)", "LIF(beta=0.5,alpha=0.5)",
                           "IF(alpha=0.5,delay)"});
    };
    std::string text = pick(1, {"3", "16", "17", "33", "70"}) + "C" + pick(2, {"1", "3", "5", "3p0", "3s2", "7p2"}) +
                       pick(3, {"", "b0"}) + "-" + neuron(4);
    text += pick(5, {"", "-MP2", "-AP2", "-MP3s1", "-AP2s1", "-SP2"});
    text += "-" + pick(6, {"5", "32", "40", "65"}) + "C" + pick(7, {"1", "3", "2p1"}) + "-" + neuron(8) +
            pick(9, {"", "-MP2", "-AP2", "-SP2s1"});
    return text + "-" + pick(10, {"12F-IF-", ""}) +
           pick(11, {"10F", "7F", "3F-IF", "5F-LI(beta=0.5)", "5F-LI(beta=0.5,alpha=0.5)"});
}

TEST(Simulate, EqualsTheDefinitionBitForBitOnExactNumbers) {
    for (uint64_t seed = 0; seed < 48; ++seed) {
        const int steps = 1 + static_cast<int>(draw(seed, 20, 9));
        Network network = parse_network(random_text(seed), {1 + static_cast<int>(draw(seed, 21, 3)), 9, 11}, steps);
        dyadic_weights(network, seed);
        const FloatArray images = dyadic_images(network, 2, seed);
        RecordRequest request{{0, 1}, true, true, true, true};
        for (const std::string& kernel : kernels::supported_kernels()) {
            const Recording recording = Simulator(network, {.threads = 1, .kernel = kernel}).run(images, request);
            for (int64_t n = 0; n < 2; ++n) {
                const naive::Activity expected = naive::simulate(network, repeated(images, n, steps));
                for (int64_t c = 0; c < network.class_count(); ++c)
                    EXPECT_FLOAT_EQ(recording.scores.row(n)[c], expected.scores[c])
                        << network_text(network) << " " << kernel;
                for (int l = 0; l < 2; ++l) {
                    const LayerRecording& layer = recording.layer(l);
                    const int64_t size = layer.counts.row_size();
                    std::vector<int> counts(size, 0);
                    for (int t = 0; t < steps; ++t)
                        for (int64_t i = 0; i < size; ++i) {
                            const int64_t at = t * size + i;
                            ASSERT_EQ(layer.spikes.row(n)[at], expected.spikes[l][t * size + i])
                                << network_text(network) << " " << kernel;
                            ASSERT_EQ(layer.potentials.row(n)[at], expected.potentials[l][t * size + i])
                                << network_text(network) << " " << kernel;
                            counts[i] += expected.spikes[l][t * size + i];
                        }
                    for (int64_t i = 0; i < size; ++i) ASSERT_EQ(layer.counts.row(n)[i], counts[i]);
                }
            }
        }
    }
}

TEST(Simulate, GivesTheSameBytesForKernelsThreadsBatchesAndOrders) {
    for (uint64_t seed = 100; seed < 112; ++seed) {
        Network network = parse_network(random_text(seed), {2, 13, 10}, 1 + static_cast<int>(draw(seed, 20, 32)));
        initialise_weights(network, seed);
        for (Layer& layer : network.layers)
            for (float& w : layer.weight.data) w *= 3;
        FloatArray images({5, 2, 13, 10});
        for (int64_t i = 0; i < images.size(); ++i)
            images.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {uint64_t(i)}));
        const RecordRequest request{{0, 1}, true, true, true, true};
        const Recording expected = Simulator(network, {.threads = 1, .kernel = "scalar"}).run(images, request);
        for (const std::string& kernel : kernels::supported_kernels())
            for (int threads : {1, 2, 4}) {
                const Recording got = Simulator(network, {.threads = threads, .kernel = kernel}).run(images, request);
                ASSERT_EQ(got.scores.data, expected.scores.data) << kernel << " " << network_text(network);
                for (int l = 0; l < 2; ++l) {
                    ASSERT_EQ(got.layer(l).spikes, expected.layer(l).spikes) << kernel << " " << network_text(network);
                    ASSERT_EQ(got.layer(l).potentials, expected.layer(l).potentials)
                        << kernel << " " << network_text(network);
                    ASSERT_EQ(got.layer(l).counts, expected.layer(l).counts);
                    ASSERT_EQ(got.layer(l).pooled_counts, expected.layer(l).pooled_counts);
                }
            }
        const Simulator simulator(network, {.threads = 2, .kernel = ""});
        for (int64_t n = 4; n >= 0; --n) {
            const Recording one = simulator.run(images.rows(n, 1).copy());
            const auto scores = expected.scores.row(n);
            ASSERT_TRUE(std::equal(scores.begin(), scores.end(), one.scores.data.begin()));
        }
    }
}

/// Changes a rectangle of pixels, some channels of it, or nothing.
template <class T, class Value>
void change_somewhere(std::span<T> planes, int height, int width, uint64_t seed, Value value) {
    if (draw(seed, 1, 6) == 0) return;
    const auto within = [&](uint64_t what, int size) { return static_cast<int>(draw(seed, what, size)); };
    const int top = within(2, height), left = within(3, width);
    const int bottom = std::min(height, top + 1 + within(4, draw(seed, 5, 4) == 0 ? height : 3));
    const int right = std::min(width, left + 1 + within(6, draw(seed, 5, 4) == 0 ? width : 3));
    const int pixels = height * width;
    for (int channel = 0; channel < static_cast<int>(planes.size()) / pixels; ++channel)
        for (int y = top; draw(seed, 7 + channel, 3) > 0 && y < bottom; ++y)
            for (int x = left; x < right; ++x)
                planes[channel * pixels + y * width + x] =
                    value(draw(seed, 100 + channel * pixels + y * width + x, 97));
}

TEST(Simulate, ASampleLikeTheOneBeforeIsSimulatedAsIfAlone) {
    constexpr int kSamples = 12, kHeight = 21, kWidth = 26;
    for (uint64_t seed = 600; seed < 616; ++seed) {
        Network network =
            parse_network(random_text(seed), {2, kHeight, kWidth}, 1 + static_cast<int>(draw(seed, 20, 12)));
        initialise_weights(network, seed);
        for (Layer& layer : network.layers)
            for (float& w : layer.weight.data) w *= 3;
        FloatArray images({kSamples, 2, kHeight, kWidth});
        for (float& value : images.row(0)) value = static_cast<float>(draw(seed, &value - images.data.data(), 97)) / 97;
        for (int n = 1; n < kSamples; ++n) {
            std::ranges::copy(images.row(n - 1), images.row(n).begin());
            change_somewhere(images.row(n), kHeight, kWidth, seed * 1000 + n,
                             [](uint64_t value) { return static_cast<float>(value) / 97; });
        }
        Array<uint8_t> recordings({kSamples, 3, 2, kHeight, kWidth});  // each image three times, thinned
        const int64_t size = images.row_size();
        for (int64_t n = 0; n < kSamples; ++n)
            for (int64_t i = 0; i < 3 * size; ++i)
                recordings.row(n)[i] = static_cast<uint8_t>(images.row(n)[i % size] * 97) % (5 + i / size) == 0;
        const std::vector<FilterIndex> ablated = {{0, 1}};
        for (const std::string& kernel : kernels::supported_kernels()) {
            if (kernel == "scalar" && seed % 8 != 0) continue;  // slow
            const Simulator alone(network, {.threads = 1, .kernel = kernel});
            for (const int threads : {1, 2}) {
                const Simulator together(network, {.threads = threads, .kernel = kernel});
                const FloatArray of_images = together.run(images, {}, ablated).scores;
                const FloatArray of_recordings = together.run_spikes(recordings, {}, ablated).scores;
                for (int64_t n = 0; n < kSamples; ++n) {
                    const Array<uint8_t> recording = recordings.rows(n, 1).copy();
                    const FloatArray one = images.rows(n, 1).copy();
                    ASSERT_TRUE(std::ranges::equal(of_images.row(n), alone.run(one, {}, ablated).scores.data))
                        << network_text(network) << " " << kernel << " image " << n;
                    ASSERT_TRUE(
                        std::ranges::equal(of_recordings.row(n), alone.run_spikes(recording, {}, ablated).scores.data))
                        << network_text(network) << " " << kernel << " recording " << n;
                }
            }
        }
    }
}

// Of networks whose weights are many, samples are taken through a layer together: chains, whose samples may be like the
// one before, and graphs.
TEST(Simulate, SamplesTakenTogetherAreSimulatedAsIfAlone) {
    constexpr int kSamples = 19, kSteps = 6;
    for (const char* text : {"600F-LIF(beta=0.5)-70F-IF-5F", "[600F-IF|600F-LIF(beta=0.5)]add-70F-IF-5F"}) {
        Network network = parse_network(text, {2, 30, 30}, kSteps);
        initialise_weights(network, 7);
        for (Layer& layer : network.layers)
            for (float& w : layer.weight.data) w *= 3;
        FloatArray images({kSamples, 2, 30, 30});
        Array<uint8_t> recordings({kSamples, kSteps, 2, 30, 30});
        const auto like_the_last = [](int64_t n) { return n == 4 || n == 9 || n == 10; };
        for (int64_t n = 0; n < kSamples; ++n) {
            for (float& value : images.row(n))
                value = static_cast<float>(draw(n, &value - images.data.data(), 97)) / 97;
            for (uint8_t& value : recordings.row(n)) value = draw(n, &value - recordings.data.data(), 10) < 3;
            if (!like_the_last(n)) continue;
            std::ranges::copy(images.row(n - 1), images.row(n).begin());
            std::ranges::copy(recordings.row(n - 1), recordings.row(n).begin());
            images.row(n)[n] += 0.5F;
            recordings.row(n)[n] ^= 1;
        }
        for (const std::string& kernel : kernels::supported_kernels()) {
            if (kernel == "scalar") continue;  // slow
            const Simulator simulator(network, {.threads = 1, .kernel = kernel});
            const FloatArray of_images = simulator.run(images).scores,
                             of_recordings = simulator.run_spikes(recordings).scores;
            for (int64_t n = 0; n < kSamples; ++n) {
                ASSERT_TRUE(std::ranges::equal(of_images.row(n), simulator.run(images.rows(n, 1).copy()).scores.data))
                    << text << " " << kernel << " image " << n;
                ASSERT_TRUE(std::ranges::equal(of_recordings.row(n),
                                               simulator.run_spikes(recordings.rows(n, 1).copy()).scores.data))
                    << text << " " << kernel << " recording " << n;
            }
        }
    }
}

TEST(Simulate, LittleMemoryGivesTheSameBytesAndTooLittleIsRefused) {
    Network network = parse_network("8C3-LIF-MP2-70C3-LIF-SP2-5F", {1, 40, 40}, 8);
    initialise_weights(network, 5);
    FloatArray images({9, 1, 40, 40});
    for (int64_t i = 0; i < images.size(); ++i) images.data[i] = static_cast<float>(draw(3, i % 1500, 97)) / 30;
    const std::vector<std::vector<FilterIndex>> sets = {{}, {{0, 3}}, {{1, 2}, {1, 69}}};
    const Execution much{.threads = 3, .kernel = ""};
    Execution little = much, least = much;
    little.memory = 48 << 20;  // of one sample, but not of three
    least.memory = 1 << 20;
    const Simulator a(network, much), b(network, little);
    EXPECT_EQ(a.run(images).scores, b.run(images).scores);
    const RecordRequest request{{0, 1}, true, true, true, true};
    const Recording of_a = a.run(images, request), of_b = b.run(images, request);
    for (const int layer : {0, 1}) {
        EXPECT_EQ(of_a.layer(layer).counts, of_b.layer(layer).counts);
        EXPECT_EQ(of_a.layer(layer).potentials, of_b.layer(layer).potentials);
    }
    EXPECT_EQ(a.run_ablations(images, sets), b.run_ablations(images, sets));
    const Simulator c(network, least);
    EXPECT_THROW(c.run(images), InputError);
    EXPECT_THROW(c.run_ablations(images, sets), InputError);
}

TEST(Simulate, SpikingInputOfWholeNumbersEqualsTheDefinition) {
    for (uint64_t seed = 200; seed < 215; ++seed) {
        Network network = parse_network(random_text(seed), {2, 9, 8}, 4);
        dyadic_weights(network, seed);
        const int steps = 1 + static_cast<int>(draw(seed, 30, 6));
        Array<uint8_t> input({3, steps, 2, 9, 8});
        const uint64_t largest = seed % 2 ? 2 : 200;
        for (int64_t i = 0; i < input.size(); ++i)
            input.data[i] = draw(seed, 40 + i, 4) == 0 ? static_cast<uint8_t>(draw(seed, 41 + i, largest)) : 0;
        for (const std::string& kernel : kernels::supported_kernels()) {
            const Recording recording = Simulator(network, {.threads = 1, .kernel = kernel})
                                            .run_spikes(input, {{1}, true, false, false, false});
            for (int64_t n = 0; n < 3; ++n) {
                std::vector<std::vector<double>> frames;
                for (int t = 0; t < steps; ++t) {
                    const auto* frame = input.row(n).data() + t * 144;
                    frames.emplace_back(frame, frame + 144);
                }
                const naive::Activity expected = naive::simulate(network, frames);
                for (int64_t c = 0; c < network.class_count(); ++c)
                    EXPECT_FLOAT_EQ(recording.scores.row(n)[c], expected.scores[c])
                        << network_text(network) << " " << kernel;
            }
        }
    }
}

TEST(Simulate, AblationSilencesAFilterAndEverythingAfterIt) {
    Network network = parse_network("6C3-LIF(beta=0.5)-MP2-20C3-IF-9F-IF-4F", {1, 8, 8}, 6);
    dyadic_weights(network, 3);
    const FloatArray images = dyadic_images(network, 2, 3);
    const std::vector<FilterIndex> ablated = {{0, 2}, {1, 17}, {2, 0}};
    for (const std::string& kernel : kernels::supported_kernels()) {
        const Recording recording =
            Simulator(network, {.threads = 1, .kernel = kernel}).run(images, {{0}, true, false, false, false}, ablated);
        for (int64_t n = 0; n < 2; ++n) {
            const naive::Activity expected = naive::simulate(network, repeated(images, n, 6), ablated);
            for (int c = 0; c < 4; ++c) EXPECT_FLOAT_EQ(recording.scores.row(n)[c], expected.scores[c]) << kernel;
            for (int i = 0; i < 64; ++i) EXPECT_EQ(recording.layer(0).counts.row(n)[2 * 64 + i], 0);
        }
    }
}

TEST(Simulate, ManyAblationsAtOnceEqualOneAtATime) {
    for (uint64_t seed = 300; seed < 306; ++seed) {
        Network network = parse_network(random_text(seed), {2, 9, 11}, 5);
        dyadic_weights(network, seed);
        const FloatArray images = dyadic_images(network, 3, seed);
        const std::vector<std::vector<FilterIndex>> sets = {
            {{1, 2}}, {}, {{0, 0}, {0, 2}}, {{1, 4}, {0, 1}, {1, 0}}, {{1, 0}, {1, 1}, {1, 2}, {1, 3}}};
        for (int threads : {1, 2}) {
            const Simulator simulator(network, {.threads = threads, .kernel = ""});
            const FloatArray scores = simulator.run_ablations(images, sets);
            for (size_t i = 0; i < sets.size(); ++i) {
                const auto row = scores.row(static_cast<int64_t>(i));
                EXPECT_EQ(std::vector<float>(row.begin(), row.end()), simulator.run(images, {}, sets[i]).scores.data)
                    << network_text(network);
            }
        }
    }
}

TEST(Simulate, SumsOfLargeFanInDoNotOverflow) {
    // 20,000 inputs, all spiking, all weights near the largest: the sum of fixed-point weights is far beyond int32.
    Network network = parse_network("20000F-IF-20F-IF(threshold=100)-2F", {1, 1, 1}, 3);
    for (float& w : network.layers[0].weight.data) w = 2.0F;
    for (float& w : network.layers[1].weight.data) w = 0.999F;
    for (float& w : network.layers[2].weight.data) w = -0.5F;
    const FloatArray images({1, 1, 1, 1}, 1.0F);
    for (const std::string& kernel : kernels::supported_kernels()) {
        const Recording recording =
            Simulator(network, {.threads = 1, .kernel = kernel}).run(images, {{1}, true, false, false, true});
        EXPECT_FLOAT_EQ(recording.layer(1).potentials.data[0], 20000 * 0.999F) << kernel;
        EXPECT_EQ(recording.layer(1).counts.data[0], 3);
        EXPECT_FLOAT_EQ(recording.scores.data[0], -10.0F);
    }
}

TEST(Simulate, ClosedFormOfOneNeuron) {
    // Constant current I, no spike: U[t] = I (1 − β^t)/(1 − β).
    Network network = parse_network("1F-LIF(beta=0.9,threshold=100)-1F", {1, 1, 1}, 20);
    network.layers[0].weight.data = {1};
    const Recording recording =
        Simulator(network).run(FloatArray({1, 1, 1, 1}, 0.3F), {{0}, false, false, false, true});
    for (int t = 0; t < 20; ++t)
        EXPECT_NEAR(recording.layer(0).potentials.data[t], 0.3 * (1 - std::pow(0.9, t + 1)) / (1 - 0.9), 1e-5);
    // IF with reset by subtraction spikes floor(T·I/θ) times.
    Network integrate = parse_network("1F-IF(ge)-1F", {1, 1, 1}, 64);
    integrate.layers[0].weight.data = {1};
    for (int eighths = 1; eighths <= 8; ++eighths) {
        const Recording counted =
            Simulator(integrate).run(FloatArray({1, 1, 1, 1}, eighths / 8.0F), {{0}, true, false, false, false});
        EXPECT_EQ(counted.layer(0).counts.data[0], 64 * eighths / 8);
    }
}

TEST(Simulate, RefusesWhatDoesNotFit) {
    const Network network = parse_network("2C3-LIF-3F", {1, 5, 5}, 2);
    const Simulator simulator(network);
    EXPECT_THROW(simulator.run(FloatArray({1, 1, 5, 6})), InputError);
    EXPECT_THROW(simulator.run(FloatArray({1, 5, 5})), InputError);
    EXPECT_THROW(simulator.run(FloatArray({1, 1, 5, 5}, NAN)), InputError);
    EXPECT_THROW(simulator.run(FloatArray({1, 1, 5, 5}), {{1}, true, false, false, false}), InputError);
    EXPECT_THROW(simulator.run(FloatArray({1, 1, 5, 5}), {}, std::vector<FilterIndex>{{0, 2}}), InputError);
    EXPECT_THROW(Simulator(network, {.threads = 1, .kernel = "avx3"}), InputError);
    EXPECT_EQ(simulator.run(FloatArray({0, 1, 5, 5})).scores.extent(0), 0);
    EXPECT_THROW(Simulator(parse_network("2F-IF-2F", {3, 1200, 1200}, 1)), InputError);
    Network headless = parse_network("2C3-LIF-3F", {1, 5, 5}, 2);
    headless.layers.pop_back();
    EXPECT_THROW(Simulator{headless}, InputError);
    const Simulator many_steps(parse_network("1F-IF-2F", {1, 1, 1}, 3));
    EXPECT_THROW(many_steps.run_spikes(Array<uint8_t>({1, 70000, 1, 1, 1})), InputError);
    const Simulator wide_pool(parse_network("1C1-IF-AP200-2F", {1, 200, 200}, 2));
    EXPECT_THROW(wide_pool.run(FloatArray({1, 1, 200, 200}), {{0}, false, true, false, false}), InputError);
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/robustness.h"

namespace spikelens {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

FloatArray random_array(const Shape& shape, uint64_t seed) {
    FloatArray array(shape);
    for (int64_t i = 0; i < array.size(); ++i)
        array.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)}));
    return array;
}

std::vector<int64_t> numbers(int64_t count, int64_t first = 0) {
    std::vector<int64_t> result(count);
    std::iota(result.begin(), result.end(), first);
    return result;
}

/// Maps [N, 1, values of a sample]: the input itself, time and all.
FloatArray identity(const Input& input) {
    if (!input.spiking()) return {{input.samples(), 1, input.images.row_size()}, input.images.data};
    return {{input.samples(), 1, input.spikes.row_size()}, {input.spikes.data.begin(), input.spikes.data.end()}};
}

/// The inputs a map function is asked for.
std::vector<Input> inputs_seen(const Input& input, std::span<const int64_t> samples,
                               const SensitivityOptions& options) {
    std::vector<Input> seen;
    sensitivity(
        input, samples,
        [&](const Input& asked) {
            seen.push_back(asked);
            return identity(asked);
        },
        options);
    return seen;
}

TEST(Sensitivity, OfImagesStaysInTheRadiusAndInTheRange) {
    FloatArray images = random_array({3, 2, 8, 8}, 1);
    images.data[0] = 0;
    images.data[1] = 1;
    const auto seen = inputs_seen(images, numbers(3), {0.1, 20, 5});
    ASSERT_EQ(seen.size(), 21U);  // the plain one, then one for each draw
    EXPECT_EQ(seen[0], Input(images));
    double sum = 0, squares = 0;
    int64_t inner = 0;
    for (size_t draw = 1; draw < seen.size(); ++draw)
        for (int64_t i = 0; i < images.size(); ++i) {
            const float x = images.data[i], y = seen[draw].images.data[i];
            EXPECT_LE(std::abs(y - x), 0.1F + 1e-6F);
            EXPECT_TRUE(y >= 0 && y <= 1);
            if (x < 0.1F || x > 0.9F) continue;
            sum += y - x;
            squares += (y - x) * (y - x);
            ++inner;
        }
    const auto n = static_cast<double>(inner);  // uniform in ±r: mean 0, variance r²/3
    EXPECT_NEAR(sum / n, 0, 5 * 0.1 / std::sqrt(3 * n));
    EXPECT_NEAR(squares / n, 0.01 / 3, 5 * 0.01 * std::sqrt(4 / (45 * n)));
}

TEST(Sensitivity, ChangesNormalisedPicturesAsTheirPixels) {
    FloatArray pixels = random_array({2, 3, 4, 5}, 3);
    for (int64_t channel = 0; channel < 6; ++channel) {  // so that a channel's own range is that of pixels
        pixels.data[channel * 20] = 0;
        pixels.data[channel * 20 + 1] = 1;
    }
    const std::array mean{0.5F, 0.4F, 0.25F}, deviation{0.25F, 0.2F, 0.3F};
    const auto normalised = [&](FloatArray images) {
        for (int64_t i = 0; i < images.size(); ++i)
            images.data[i] = (images.data[i] - mean[i / 20 % 3]) / deviation[i / 20 % 3];
        return images;
    };
    const SensitivityOptions options{0.1, 3, 5};
    const auto of_pixels = inputs_seen(pixels, numbers(2), options);
    const auto seen = inputs_seen(normalised(pixels), numbers(2), options);
    for (size_t draw = 0; draw < seen.size(); ++draw) {
        const FloatArray expected = normalised(of_pixels[draw].images);
        for (int64_t i = 0; i < expected.size(); ++i)
            EXPECT_NEAR(seen[draw].images.data[i], expected.data[i], 1e-5) << draw;
    }
}

TEST(Sensitivity, IsTheLargestRelativeChange) {
    const FloatArray images = random_array({2, 1, 3, 3}, 1);
    const auto maps = [](const Input& input) {  // Φ = x²
        FloatArray result({input.samples(), 3, 3}, input.images.data);
        for (float& value : result.data) value *= value;
        return result;
    };
    const SensitivityOptions options{0.2, 7, 3};
    const auto seen = inputs_seen(images, numbers(2), options);
    const std::vector<double> measured = sensitivity(images, numbers(2), maps, options);
    for (int64_t n = 0; n < 2; ++n) {
        double largest = 0;
        for (size_t draw = 1; draw < seen.size(); ++draw) {
            const FloatArray before = maps(seen[0]), after = maps(seen[draw]);
            double change = 0, size = 0;
            for (int64_t i = 0; i < 9; ++i) {
                change += std::pow(static_cast<double>(after.row(n)[i]) - before.row(n)[i], 2);
                size += std::pow(static_cast<double>(before.row(n)[i]), 2);
            }
            largest = std::max(largest, std::sqrt(change) / std::sqrt(size));
        }
        EXPECT_NEAR(measured[n], largest, 1e-12);
        EXPECT_GT(measured[n], 0);
    }
}

TEST(Sensitivity, OfConstantAndOfZeroMaps) {
    const FloatArray images = random_array({2, 1, 2, 2}, 1);
    const auto constant = [](const Input& input) { return FloatArray({input.samples(), 2, 2}, 3.0F); };
    const auto zero = [](const Input& input) { return FloatArray({input.samples(), 2, 2}); };
    EXPECT_EQ(sensitivity(images, numbers(2), constant, {}), (std::vector<double>{0, 0}));
    EXPECT_EQ(sensitivity(images, numbers(2), zero, {}), (std::vector<double>{0, 0}));
    const auto waking = [&](const Input& input) {  // sample 1 leaves zero when its input changes
        FloatArray maps({2, 2, 2});
        maps.row(1)[0] = input == Input(images) ? 0 : 1;
        return maps;
    };
    EXPECT_EQ(sensitivity(images, numbers(2), waking, {}),
              (std::vector<double>{0, std::numeric_limits<double>::infinity()}));
}

TEST(Sensitivity, DoesNotDependOnTheBatchAndGrowsWithDraws) {
    const FloatArray images = random_array({3, 1, 4, 4}, 2);
    Array<uint8_t> spikes({3, 6, 1, 4, 4});
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[i] = random_bits(1, Stream::test, {static_cast<uint64_t>(i)}) % 3 == 0;
    for (const Input& input : {Input(images), Input(spikes)}) {
        const std::vector<double> together = sensitivity(input, numbers(3, 40), identity, {0.05, 6, 9});
        const std::vector<double> fewer = sensitivity(input, numbers(3, 40), identity, {0.05, 2, 9});
        const auto seen = inputs_seen(input, numbers(3, 40), {0.05, 2, 9});
        EXPECT_NE(seen[1], seen[2]);
        EXPECT_EQ(inputs_seen(input, numbers(3, 40), {0.05, 2, 9}), seen);
        EXPECT_NE(inputs_seen(input, numbers(3, 40), {0.05, 2, 10}), seen);
        for (int64_t n = 0; n < 3; ++n) {
            EXPECT_EQ(sensitivity(input.select({&n, 1}), numbers(1, 40 + n), identity, {0.05, 6, 9})[0], together[n]);
            EXPECT_LE(fewer[n], together[n]);
        }
    }
}

// Spikes three steps apart cannot meet: each that moved is one that went and one that came beside it.
TEST(Sensitivity, MovesTheAskedShareOfSpikesByOneStep) {
    const int64_t steps = 31, pixels = 100;
    Array<uint8_t> spikes({1, steps, 1, 10, 10});
    for (int64_t t = 0; t < steps; t += 3) std::ranges::fill(spikes.row(0).subspan(t * pixels, pixels), uint8_t{1});
    const int64_t total = 11 * pixels;
    for (const double radius : {0.0001, 0.02, 0.5, 1.0}) {
        const int64_t expected = std::max<int64_t>(1, std::lround(radius * static_cast<double>(total)));
        const auto seen = inputs_seen(spikes, numbers(1), {radius, 4, 1});
        for (size_t draw = 1; draw < seen.size(); ++draw) {
            int64_t gone = 0, later = 0, earlier = 0;
            for (int64_t p = 0; p < pixels; ++p)
                for (int64_t t = 0; t < steps; ++t) {
                    const uint8_t value = seen[draw].spikes.row(0)[t * pixels + p];
                    if (t % 3 == 0) gone += value == 0;
                    if (t % 3 == 1) later += value;
                    if (t % 3 == 2) earlier += value;
                }
            EXPECT_EQ(gone, expected);
            EXPECT_EQ(later + earlier, expected);
            EXPECT_NEAR(static_cast<double>(later - earlier), 0, 5 * std::sqrt(static_cast<double>(expected)));
        }
        EXPECT_NE(seen[1], seen[2]);
    }
}

TEST(Sensitivity, KeepsThePixelAndTheNumberOfEverySpike) {
    Array<uint8_t> spikes({2, 5, 2, 3, 3});
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[i] = static_cast<uint8_t>(random_bits(4, Stream::test, {static_cast<uint64_t>(i)}) % 4);
    for (const Input& input : inputs_seen(spikes, numbers(2), {0.3, 10, 1}))
        for (int64_t n = 0; n < 2; ++n)
            for (int64_t i = 0; i < 18; ++i) {
                int64_t before = 0, after = 0;
                for (int64_t t = 0; t < 5; ++t) {
                    before += spikes.row(n)[t * 18 + i];
                    after += input.spikes.row(n)[t * 18 + i];
                }
                EXPECT_EQ(before, after);
            }
}

TEST(Sensitivity, AtTheEndsOfTimeSpikesGoTheOnlyWayThereIs) {
    const Array<uint8_t> first({1, 3, 1, 1, 2}, {1, 0, 0, 0, 0, 1});
    for (const Input& input :
         {inputs_seen(first, numbers(1), {1, 5, 1})[3], inputs_seen(first, numbers(1), {1, 5, 2})[5]})
        EXPECT_EQ(input.spikes.data, (std::vector<uint8_t>{0, 0, 1, 1, 0, 0}));
    // a full goal keeps the spike where it is
    const Array<uint8_t> full({1, 2, 1, 1, 2}, {255, 0, 255, 0});
    for (const Input& input : inputs_seen(full, numbers(1), {0.001, 5, 1})) EXPECT_EQ(input.spikes, full);
    const Array<uint8_t> silent({1, 2, 1, 1, 2});
    EXPECT_EQ(sensitivity(silent, numbers(1), identity, {}), std::vector<double>{0});
}

TEST(Sensitivity, CountsEverySpikeOfAPlace) {
    const Array<uint8_t> spikes({1, 3, 1, 1, 1}, {0, 200, 0});
    const Array<uint8_t> moved = inputs_seen(spikes, numbers(1), {0.25, 1, 1})[1].spikes;
    EXPECT_EQ(moved.data[1], 150);
    EXPECT_EQ(moved.data[0] + moved.data[2], 50);
    EXPECT_NEAR(moved.data[0], 25, 5 * std::sqrt(50) / 2);
}

TEST(Sensitivity, BadInputGetsASentence) {
    const FloatArray images = random_array({2, 1, 2, 2}, 1);
    const auto run = [&](const Input& input, const MapFunction& maps, const SensitivityOptions& options,
                         int64_t count = 2) { return sensitivity(input, numbers(count), maps, options); };
    EXPECT_NO_THROW(run(images, identity, {}));
    EXPECT_THROW(run(images, identity, {}, 1), InputError);
    EXPECT_THROW(run(Input(), identity, {}), InputError);
    EXPECT_THROW(run(FloatArray({2, 4}), identity, {}), InputError);
    EXPECT_THROW(run(FloatArray({2, 1, 1, 1}, {0.5F, nan}), identity, {}), InputError);
    EXPECT_THROW(run(Array<uint8_t>({2, 1, 1, 2, 2}, 1), identity, {}), InputError);
    for (const double radius : {0.0, -0.1, 1.1, static_cast<double>(nan)})
        EXPECT_THROW(run(images, identity, {radius, 10, 1}), InputError);
    EXPECT_THROW(run(images, identity, {0.02, 0, 1}), InputError);
    EXPECT_THROW(run(images, [](const Input&) { return FloatArray({1, 2, 2}); }, {}), InputError);
    EXPECT_THROW(run(images, [](const Input&) { return FloatArray({2, 4}); }, {}), InputError);
    EXPECT_THROW(run(images, [](const Input&) { return FloatArray({2, 2, 2}, nan); }, {}), InputError);
    int64_t calls = 0;
    EXPECT_THROW(run(images, [&](const Input&) { return FloatArray({2, 2, ++calls}); }, {}), InputError);
}

Network two_and_two() {
    Network network = parse_network("4C3-LIF-MP2-3C3-LIF-20F-LIF-5F", {2, 8, 8}, 4);
    initialise_weights(network, 1);
    return network;
}

bool weights_differ(const Network& a, const Network& b, size_t l) { return a.layers[l].weight != b.layers[l].weight; }

TEST(Randomisation, GivesEachOutputItsOwnWeightsInAnotherOrder) {
    const Network network = two_and_two();
    const Network all = randomise_last(network, 4, 7);
    for (size_t l = 0; l < 4; ++l) {
        const FloatArray& before = network.layers[l].weight;
        const FloatArray& after = all.layers[l].weight;
        ASSERT_EQ(before.shape, after.shape);
        for (int64_t output = 0; output < before.extent(0); ++output) {
            std::vector<float> a(before.row(output).begin(), before.row(output).end());
            std::vector<float> b(after.row(output).begin(), after.row(output).end());
            EXPECT_NE(a, b);
            EXPECT_TRUE(std::ranges::is_permutation(a, b));
        }
    }
}

TEST(Randomisation, OutputsAreShuffledApart) {
    Network network = parse_network("3F", {1, 1, 50}, 2);
    for (int64_t i = 0; i < 150; ++i) network.layers[0].weight.data[i] = static_cast<float>(i % 50);
    const Network shuffled = randomise_full(network, 1);
    EXPECT_FALSE(std::ranges::equal(shuffled.layers[0].weight.row(0), shuffled.layers[0].weight.row(1)));
    EXPECT_FALSE(std::ranges::equal(shuffled.layers[0].weight.row(1), shuffled.layers[0].weight.row(2)));
}

TEST(Randomisation, ChangesNothingElse) {
    const Network network = two_and_two();
    for (Network other : {randomise_last(network, 4, 7), randomise_full(network, 7)}) {
        for (size_t l = 0; l < 4; ++l) other.layers[l].weight = network.layers[l].weight;
        EXPECT_EQ(network_text(other), network_text(network));
        for (size_t l = 0; l < 4; ++l) {
            EXPECT_EQ(other.layers[l].bias, network.layers[l].bias);
            EXPECT_EQ(other.layers[l].name, network.layers[l].name);
        }
        EXPECT_EQ(other.steps, network.steps);
        EXPECT_NO_THROW(check_network(other, "randomised"));
    }
}

TEST(Randomisation, ReachesTheLayersAskedForAndCascades) {
    const Network network = two_and_two(), full = randomise_full(network, 7);
    for (int layers = 1; layers <= 4; ++layers) {
        const Network last = randomise_last(network, layers, 7), deeper = randomise_last(network, 4, 7);
        for (size_t l = 0; l < 4; ++l) {
            const bool drawn = l >= 4U - layers;
            EXPECT_EQ(weights_differ(last, network, l), drawn);
            EXPECT_EQ(weights_differ(last, deeper, l), !drawn);  // the same new weights however deep the cascade goes
        }
    }
    for (size_t l = 0; l < 4; ++l) {
        EXPECT_EQ(weights_differ(full, network, l), network.layers[l].kind == LayerKind::full);
        EXPECT_FALSE(weights_differ(full, randomise_last(network, 2, 7), l));
        EXPECT_FALSE(weights_differ(full, randomise_full(network, 7), l));
    }
    EXPECT_TRUE(weights_differ(full, randomise_full(network, 8), 3));
}

TEST(Randomisation, BadRequestsGetASentence) {
    const Network network = two_and_two();
    for (const int layers : {0, -1, 5}) EXPECT_THROW(randomise_last(network, layers, 1), InputError);
    Network convolutions = network;
    convolutions.layers.resize(2);
    EXPECT_THROW(randomise_full(convolutions, 1), InputError);
    EXPECT_NO_THROW(randomise_last(convolutions, 2, 1));
}

double correlation(const std::vector<float>& a, const std::vector<float>& b) {
    const Shape shape{1, 1, static_cast<int64_t>(a.size())};
    return rank_correlation({shape, a}, {shape, b}).at(0);
}

TEST(RankCorrelation, ByHand) {
    EXPECT_DOUBLE_EQ(correlation({1, 2, 3, 4}, {10, 30, 20, 40}), 0.8);  // 1 − 6·Σd²/(n(n² − 1)), Σd² = 2
    EXPECT_EQ(correlation({1, 2, 3, 4}, {8, 6, 4, 2}), -1);
    EXPECT_EQ(correlation({1, 2, 3, 4}, {-5, 0, 0.1F, 1e30F}), 1);
    EXPECT_NEAR(correlation({1, 2, 2, 3}, {1, 2, 3, 4}), 4.5 / std::sqrt(4.5 * 5), 1e-15);  // ranks 1, 2.5, 2.5, 4
    EXPECT_EQ(correlation({0, -0.0F, 1}, {2, 2, 3}), 1);                                    // −0 equals 0
}

TEST(RankCorrelation, OfConstantMaps) {
    EXPECT_EQ(correlation({1, 1, 1}, {1, 2, 3}), 1);
    EXPECT_EQ(correlation({0, 0, 0}, {1, 2, 3}), 1);  // a map of zeros must not pass for one that follows its class
    EXPECT_EQ(correlation({1, 2, 3}, {0, 0, 0}), 0);
    EXPECT_EQ(correlation({1, 1, 1}, {2, 2, 2}), 1);
    EXPECT_EQ(correlation({1}, {2}), 1);
}

// The definition, slowly: mean ranks by counting, then Pearson's correlation of them.
double slow_spearman(std::span<const float> a, std::span<const float> b) {
    const auto ranks = [](std::span<const float> values) {
        std::vector<double> result;
        for (const float value : values) {
            const auto below = std::ranges::count_if(values, [&](float other) { return other < value; });
            result.push_back(static_cast<double>(below) +
                             static_cast<double>(std::ranges::count(values, value) + 1) / 2);
        }
        return result;
    };
    const std::vector<double> x = ranks(a), y = ranks(b);
    const auto n = static_cast<double>(x.size());
    const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n,
                 mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < x.size(); ++i) {
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    return xy / std::sqrt(xx * yy);
}

TEST(RankCorrelation, AgreesWithTheDefinitionForMapsWithTies) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
        FloatArray a = random_array({3, 5, 7}, seed), b = random_array({3, 5, 7}, seed + 100);
        for (float& value : a.data) value = std::floor(6 * value);
        for (float& value : b.data) value = std::floor(9 * value);
        const std::vector<double> result = rank_correlation(a, b);
        ASSERT_EQ(result.size(), 3U);
        for (int64_t n = 0; n < 3; ++n) EXPECT_NEAR(result[n], slow_spearman(a.row(n), b.row(n)), 1e-12);
        EXPECT_EQ(rank_correlation(b, a), result);
        EXPECT_EQ(rank_correlation(a, a), (std::vector<double>{1, 1, 1}));
    }
}

TEST(RankCorrelation, BadInputGetsASentence) {
    const FloatArray maps({1, 2, 2});
    EXPECT_THROW(rank_correlation(maps, FloatArray({1, 4, 1})), InputError);
    EXPECT_THROW(rank_correlation(FloatArray({4}), FloatArray({4})), InputError);
    EXPECT_THROW(rank_correlation(FloatArray({1, 0, 2}), FloatArray({1, 0, 2})), InputError);
    EXPECT_THROW(rank_correlation(maps, FloatArray({1, 2, 2}, nan)), InputError);
    EXPECT_THROW(rank_correlation(FloatArray({1, 2, 2}, nan), maps), InputError);
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>
#include <ostream>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/gradient.h"
#include "spikelens/snn/simulate.h"

#include "reference_network.h"

namespace spikelens {
namespace {

using testing::Dual;
using testing::lively_network;
using testing::random_values;
using testing::ReferenceNetwork;

struct Case {
    const char* name;
    const char* network;
    const char* surrogate = "atan(2)";
    int steps = 5;
    Shape input = {2, 6, 5};
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

const Case cases[] = {
    {"subtract", "3C3-LIF-MP2-4F-LIF-3F"},
    {"subtract_delay", "3C3-LIF(delay)-MP2-4F-LIF(delay,beta=0.7)-3F"},
    {"zero", "3C3-LIF(reset=zero,beta=0.8)-MP2-4F-LIF(reset=zero)-3F"},
    {"zero_delay", "3C3-LIF(reset=zero,delay,v_reset=-0.25)-MP2-4F-LIF(reset=zero,delay)-3F"},
    {"zero_to_v_reset", "3C3-LIF(reset=zero,v_reset=0.375,beta=0.5)-MP2-4F-LIF(reset=zero,v_reset=-0.5)-3F"},
    {"no_reset", "3C3-LIF(reset=none,beta=0.6)-MP2-4F-LIF(reset=none)-3F"},
    {"integrate_and_fire", "3C3-IF-AP2-4F-IF-3F"},
    {"scaled_current", "3C3-LIF(decay_input,gain=4,beta=0.5)-MP2-4F-LIF(gain=0.5,threshold=0.4)-3F"},
    {"threshold", "3C3-LIF(threshold=0.6,ge)-MP2-4F-LIF(threshold=0.3,delay)-3F"},
    {"overlapping_max_pool", "3C3-LIF-MP3s2-4F-LIF-3F"},
    {"sparse_pool", "2C3-LIF-MP2s3-4F-LIF-3F"},
    {"average_pool", "3C3-LIF-AP2-2C3-LIF-AP2s1-3F"},
    {"sum_pool", "3C3-LIF-SP2-2C3-LIF(threshold=2)-SP2s1-3F"},
    {"synapse", "3C3-LIF(alpha=0.6)-MP2-4F-LIF(alpha=0.3,delay,gain=0.7)-3F"},
    {"leaky_readout", "3C3-LIF-MP2-4F-LIF-3F-LI(beta=0.8)"},
    {"leaky_readout_alone", "3F-LI(beta=0.7)"},
    {"readout_with_a_synapse", "3C3-LIF-MP2-4F-LIF-3F-LI(beta=0.8,alpha=0.6)"},
    {"stride_and_padding", "3C3s2p2-LIF-2C2s1p0-LIF-3F"},
    {"no_bias", "3C3b0-LIF-MP2-4Fb0-LIF-3Fb0"},
    {"spike_count_readout", "3C3-LIF-MP2-3F-LIF"},
    {"readout_alone", "3F"},
    {"one_step", "3C3-LIF-MP2-3F", "atan(2)", 1},
    {"triangle", "3C3-LIF-MP2-4F-LIF-3F", "triangle(0.9)"},
    {"sigmoid", "3C3-LIF(reset=zero)-MP2-4F-LIF-3F", "sigmoid(4)"},
    {"fast_sigmoid", "3C3-LIF(delay)-MP2-4F-LIF-3F", "fast_sigmoid(3)"},
    // Every neuron in one window: of images the potentials of such a layer are computed once more.
    {"whole_windows", "3C3-LIF-MP2-4F-LIF-3F", "triangle(0.9)", 5, {2, 6, 4}},
    {"whole_windows_delay", "17C3-LIF(delay)-MP2-4F-LIF(delay)-3F", "atan(2)", 6, {1, 4, 6}},
    {"whole_windows_no_reset", "3C3-LIF(reset=none)-AP2-4F-LIF-3F", "fast_sigmoid(3)", 5, {2, 6, 4}},
    {"whole_windows_sum", "3C3-LIF(delay)-SP2-4F-LIF-3F", "sigmoid(4)", 5, {2, 6, 4}},
    {"whole_windows_of_one", "3C3-LIF-4F-LIF-3F", "atan(2)", 5},
    {"fully_connected", "5F-LIF(delay)-3F", "sigmoid(4)", 5},
};

/// One sample of a case, its input different at every step unless constant, and the reference beside it.
class GradientCase : public ::testing::TestWithParam<Case> {
  protected:
    Network network = lively_network(GetParam().network, GetParam().input, GetParam().steps, 7);
    Surrogate surrogate = parse_surrogate(GetParam().surrogate);
    int64_t size = element_count(network.input_shape());
    int target = 1;

    FloatArray sequence() const {
        return {{1, network.steps, network.channels, network.height, network.width},
                random_values(network.steps * size, 0, 1, 3)};
    }

    static std::vector<std::vector<Dual>> reference_input(const FloatArray& input) {
        std::vector<std::vector<Dual>> steps;
        for (int64_t t = 0; t < input.extent(1); ++t) steps.push_back(ReferenceNetwork::to_duals(input.sub(0).row(t)));
        return steps;
    }

    InputGradient computed(const FloatArray& input, bool smooth) const {
        GradientOptions options;
        options.surrogate = surrogate;
        options.smooth = smooth;
        options.double_precision = true;
        return GradientNetwork(network, options).sequence_gradient(input, std::vector{target});
    }

    void expect_reference(bool smooth) const {
        const FloatArray input = sequence();
        const InputGradient result = computed(input, smooth);
        const ReferenceNetwork reference(network, surrogate, smooth);
        auto steps = reference_input(input);
        const std::vector<Dual> scores = reference.scores(steps);
        for (size_t c = 0; c < scores.size(); ++c)
            EXPECT_NEAR(result.scores.data[c], scores[c].value, 1e-6) << "class " << c;
        double largest = 0;
        for (int64_t i = 0; i < input.size(); ++i) {
            Dual& value = steps[i / size][i % size];
            value.slope = 1;
            const double slope = reference.scores(steps)[target].slope;
            value.slope = 0;
            largest = std::max(largest, std::abs(slope));
            ASSERT_NEAR(result.gradient.data[i], slope, 1e-6) << "input " << i;
        }
        EXPECT_GT(largest, 1e-3) << "nothing was tested: the gradient is zero";
    }
};

TEST_P(GradientCase, SpikingEqualsReference) { expect_reference(false); }
TEST_P(GradientCase, SmoothEqualsReference) { expect_reference(true); }

TEST_P(GradientCase, ThroughResetEqualsReference) {
    surrogate.through_reset = true;
    expect_reference(false);
}

TEST_P(GradientCase, SmoothThroughResetIsTheDerivative) {
    surrogate.through_reset = true;
    const FloatArray input = sequence();
    const InputGradient result = computed(input, true);
    const ReferenceNetwork reference(network, surrogate, true);
    auto steps = reference_input(input);
    const double h = 1e-5;
    for (int64_t i = 0; i < input.size(); ++i) {
        Dual& value = steps[i / size][i % size];
        const double centre = value.value;
        value.value = centre + h;
        const double above = reference.scores(steps)[target].value;
        value.value = centre - h;
        const double below = reference.scores(steps)[target].value;
        value.value = centre;
        ASSERT_NEAR(result.gradient.data[i], (above - below) / (2 * h), 2e-6) << "input " << i;
    }
}

TEST_P(GradientCase, ConstantInputSumsTheGradientsOfTheSteps) {
    FloatArray images({1, network.channels, network.height, network.width}, random_values(size, 0, 1, 5));
    FloatArray repeated = sequence();
    for (int64_t i = 0; i < repeated.size(); ++i) repeated.data[i] = images.data[i % size];
    GradientOptions options;
    options.surrogate = surrogate;
    options.double_precision = true;
    const GradientNetwork gradient(network, options);
    const auto once = gradient.input_gradient(images, std::vector{target});
    const auto over_time = gradient.sequence_gradient(repeated, std::vector{target});
    for (size_t c = 0; c < once.scores.data.size(); ++c)
        EXPECT_NEAR(once.scores.data[c], over_time.scores.data[c], 1e-6);
    for (int64_t i = 0; i < size; ++i) {
        double sum = 0;
        for (int64_t t = 0; t < network.steps; ++t) sum += over_time.gradient.row(0)[t * size + i];
        ASSERT_NEAR(once.gradient.data[i], sum, 3e-6) << "pixel " << i;
    }
}

TEST_P(GradientCase, FloatIsCloseToDouble) {
    const FloatArray input = sequence();
    GradientOptions options;
    options.surrogate = surrogate;
    const auto result = GradientNetwork(network, options).sequence_gradient(input, std::vector{target});
    const auto exact = computed(input, false);
    for (int64_t i = 0; i < input.size(); ++i)
        ASSERT_NEAR(result.gradient.data[i], exact.gradient.data[i], 1e-4) << "input " << i;
}

TEST_P(GradientCase, ImagesThroughTheExactSimulationAreCloseToDouble) {
    for (const bool through : {false, true}) {
        const FloatArray images({2, network.channels, network.height, network.width}, random_values(2 * size, 0, 1, 5));
        GradientOptions options;
        options.surrogate = surrogate;
        options.surrogate.through_reset = through;
        const std::vector targets{target, 0};
        const auto exact = GradientNetwork(network, options).input_gradient(images, targets);
        options.double_precision = true;
        const auto reference = GradientNetwork(network, options).input_gradient(images, targets);
        EXPECT_EQ(exact.scores.data, Simulator(network).run(images).scores.data);
        for (int64_t c = 0; c < exact.scores.size(); ++c)
            EXPECT_NEAR(exact.scores.data[c], reference.scores.data[c], 1e-6);
        for (int64_t i = 0; i < images.size(); ++i)
            ASSERT_NEAR(exact.gradient.data[i], reference.gradient.data[i], 1e-4) << "pixel " << i;
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, GradientCase, ::testing::ValuesIn(cases),
                         [](const ::testing::TestParamInfo<Case>& test) { return std::string(test.param.name); });

/// One input, one neuron (weight 0.8, β = 0.5, θ = 1, subtract), a readout of weight 2, input 1 at both steps:
/// U'[1] = 0.8, no spike; U'[2] = 0.4 + 0.8 = 1.2, a spike. Triangle of height 0.3: slopes 0.3·0.8 = 0.24 at both.
/// y = (2/2)·(S1 + S2): ∂y/∂x2 = 0.24·0.8 = 0.192; ∂y/∂x1 = 0.24·0.8 + 0.24·0.5·0.8 = 0.288.
TEST(Gradient, OneNeuronWorkedByHand) {
    Network network = parse_network("1Fb0-LIF(beta=0.5)-1Fb0", {1, 1, 1}, 2);
    network.layers[0].weight.data = {0.8F};
    network.layers[1].weight.data = {2.0F};
    const GradientNetwork gradient(network);
    const auto over_time = gradient.sequence_gradient(FloatArray({1, 2, 1, 1, 1}, 1.0F), std::vector{0});
    EXPECT_NEAR(over_time.scores.data[0], 1.0, 1e-7);
    EXPECT_NEAR(over_time.gradient.data[0], 0.288, 1e-6);
    EXPECT_NEAR(over_time.gradient.data[1], 0.192, 1e-6);
    const auto image = gradient.input_gradient(FloatArray({1, 1, 1, 1}, 1.0F), std::vector{0});
    EXPECT_NEAR(image.gradient.data[0], 0.48, 1e-6);
}

/// The same with the reset's share: after a first spike at U' = 1.2 (weight 1.2), U = 0.2, U'[2] = 0.1 + 1.2 = 1.3.
/// Slopes 0.24 and 0.21. ∂S2/∂x1 = 0.21·0.5·(1 − 0.24)·1.2 through the reset, 0.21·0.5·1.2 without.
TEST(Gradient, ResetWorkedByHand) {
    Network network = parse_network("1Fb0-LIF(beta=0.5)-1Fb0", {1, 1, 1}, 2);
    network.layers[0].weight.data = {1.2F};
    network.layers[1].weight.data = {2.0F};
    GradientOptions options;
    const FloatArray input({1, 2, 1, 1, 1}, 1.0F);
    const auto apart = GradientNetwork(network, options).sequence_gradient(input, std::vector{0});
    EXPECT_NEAR(apart.scores.data[0], 2.0, 1e-7);
    EXPECT_NEAR(apart.gradient.data[0], 0.24 * 1.2 + 0.21 * 0.5 * 1.2, 1e-6);
    options.surrogate.through_reset = true;
    const auto through = GradientNetwork(network, options).sequence_gradient(input, std::vector{0});
    EXPECT_NEAR(through.gradient.data[0], 0.24 * 1.2 + 0.21 * 0.5 * (1 - 0.24) * 1.2, 1e-6);
}

TEST(Gradient, MaxPoolPassesItToTheFirstSpikeOfTheWindow) {
    Network network = parse_network("1C1b0-LIF(beta=0)-MP2-1Fb0", {1, 2, 4}, 1);
    network.layers[0].weight.data = {1.0F};
    network.layers[1].weight.data = {1.0F, 1.0F};
    // Left window: all four spike. Right window: the last two spike.
    const FloatArray image({1, 1, 2, 4}, std::vector<float>{1.5F, 1.5F, 0.5F, 0.5F, 1.5F, 1.5F, 1.5F, 1.5F});
    const auto result = GradientNetwork(network).input_gradient(image, std::vector{0});
    const std::vector<float> expected = {0.15F, 0, 0, 0, 0, 0, 0.15F, 0};
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(result.gradient.data[i], expected[i]) << i;
}

/// Firing at the threshold itself, which no other case meets.
TEST(Gradient, AtThresholdDecidesEquality) {
    for (const auto& [text, spikes] : {std::pair{"1Fb0-IF-1Fb0", 0.0F}, {"1Fb0-IF(ge)-1Fb0", 1.0F}}) {
        Network network = parse_network(text, {1, 1, 1}, 1);
        network.layers[0].weight.data = network.layers[1].weight.data = {1.0F};
        EXPECT_EQ(
            GradientNetwork(network).input_gradient(FloatArray({1, 1, 1, 1}, 1.0F), std::vector{0}).scores.data[0],
            spikes)
            << text;
    }
}

class GradientOfMany : public ::testing::Test {
  protected:
    Network network = lively_network("8C3-LIF-MP2-8C3-LIF-MP2-32F-LIF-10F", {1, 12, 12}, 6, 11);
    FloatArray images{{7, 1, 12, 12}, random_values(7 * 144, 0, 1, 13)};
    std::vector<int> targets = {0, 3, 9, 1, 1, 4, 7};

    InputGradient with_threads(int threads) const {
        return GradientNetwork(network, {}, {.threads = threads}).input_gradient(images, targets);
    }
};

TEST_F(GradientOfMany, SamplesDoNotDependOnTheirBatch) {
    const auto together = with_threads(1);
    const GradientNetwork gradient(network);
    for (int64_t n = 0; n < 7; ++n) {
        const auto alone = gradient.input_gradient(images.rows(n, 1).copy(), std::span(targets).subspan(n, 1));
        EXPECT_TRUE(std::ranges::equal(alone.scores.data, together.scores.row(n))) << n;
        EXPECT_TRUE(std::ranges::equal(alone.gradient.data, together.gradient.row(n))) << n;
        EXPECT_GT(std::abs(*std::ranges::max_element(alone.gradient.data)), 1e-5F);
    }
}

TEST_F(GradientOfMany, SequencesDoNotDependOnTheirBatch) {
    const FloatArray both({2, 3, 1, 12, 12}, random_values(3 * 2 * 144, 0, 2, 17));
    const GradientNetwork gradient(network);
    const auto together = gradient.sequence_gradient(both, std::vector{2, 5});
    const auto alone = gradient.sequence_gradient(both.rows(1, 1).copy(), std::vector{5});
    EXPECT_TRUE(std::ranges::equal(alone.scores.data, together.scores.row(1)));
    EXPECT_TRUE(std::ranges::equal(alone.gradient.data, together.gradient.row(1)));
}

TEST_F(GradientOfMany, ThreadsDoNotMatter) {
    const auto one = with_threads(1);
    for (int threads : {2, 3, 0}) {
        const auto several = with_threads(threads);
        EXPECT_EQ(one.scores, several.scores);
        EXPECT_EQ(one.gradient, several.gradient);
    }
}

TEST_F(GradientOfMany, KernelsDoNotMatter) {
    const FloatArray sequence({1, 6, 1, 12, 12}, random_values(6 * 144, 0, 2, 19));
    const GradientNetwork scalar(network, {}, {.kernel = "scalar"}), fastest(network);
    EXPECT_EQ(scalar.input_gradient(images, targets).gradient, fastest.input_gradient(images, targets).gradient);
    EXPECT_EQ(scalar.sequence_gradient(sequence, std::vector{3}).gradient,
              fastest.sequence_gradient(sequence, std::vector{3}).gradient);
}

/// Spikes have the scores of the simulation to the bit, and the gradient at them is the limit of that of other values.
TEST_F(GradientOfMany, WholeNumbersAreSpikes) {
    Array<uint8_t> spikes({1, 6, 1, 12, 12});
    for (int64_t i = 0; i < spikes.size(); ++i) spikes.data[i] = static_cast<uint8_t>(i * 7 % 11 % 3);
    const GradientNetwork gradient(network);
    const auto at_spikes = gradient.gradient(Input(spikes), std::vector{4});
    EXPECT_EQ(at_spikes.scores.data, Simulator(network).run_spikes(spikes).scores.data);
    FloatArray values(spikes.shape, {spikes.data.begin(), spikes.data.end()});
    values.data[40] += 1e-6F;
    const auto beside = gradient.sequence_gradient(values, std::vector{4});
    for (int64_t i = 0; i < values.size(); ++i)
        ASSERT_NEAR(beside.gradient.data[i], at_spikes.gradient.data[i], 1e-5) << "input " << i;
}

TEST_F(GradientOfMany, RefusesWhatDoesNotFit) {
    const GradientNetwork gradient(network);
    EXPECT_THROW(gradient.input_gradient(FloatArray({7, 1, 12, 13}), targets), InputError);
    EXPECT_THROW(gradient.input_gradient(FloatArray({7, 1, 1, 12, 12}), targets), InputError);
    EXPECT_THROW(gradient.sequence_gradient(images, targets), InputError);
    EXPECT_THROW(gradient.sequence_gradient(FloatArray({7, 0, 1, 12, 12}), targets), InputError);
    EXPECT_THROW(gradient.input_gradient(images, std::vector{1, 2}), InputError);
    targets[2] = 10;
    EXPECT_THROW(gradient.input_gradient(images, targets), InputError);
    targets[2] = 0;
    images.data[5] = std::nanf("");
    EXPECT_THROW(gradient.input_gradient(images, targets), InputError);
    network.layers[0].weight.data[0] = std::nanf("");
    EXPECT_THROW(GradientNetwork{network}, InputError);
}

TEST_F(GradientOfMany, NoSamplesGiveAnEmptyResult) {
    const auto result = GradientNetwork(network).input_gradient(FloatArray({0, 1, 12, 12}), {});
    EXPECT_EQ(result.scores.shape, (Shape{0, 10}));
    EXPECT_EQ(result.gradient.shape, (Shape{0, 1, 12, 12}));
}

}  // namespace
}  // namespace spikelens

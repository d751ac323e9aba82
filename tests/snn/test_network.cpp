#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/network.h"

namespace spikelens {
namespace {

std::string error_of(const std::string& text, const Shape& input = {1, 28, 28}) {
    try {
        parse_network(text, input, 10);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

TEST(NetworkText, TheShallowNetworkHasTheShapesOfThePaper) {
    const Network network = parse_network(preset_text("shallow", 10), {1, 28, 28}, 10);
    ASSERT_EQ(network.layers.size(), 4U);
    EXPECT_EQ(network.layers[0].weight.shape, (Shape{16, 1, 3, 3}));
    EXPECT_EQ(network.layers[1].weight.shape, (Shape{32, 16, 3, 3}));
    EXPECT_EQ(network.layers[1].pooled_height, 7);
    EXPECT_EQ(network.layers[2].weight.shape, (Shape{128, 1568}));
    EXPECT_EQ(network.layers[3].weight.shape, (Shape{10, 128}));
    EXPECT_FALSE(network.layers[3].neuron.has_value());
    EXPECT_EQ(parameter_count(network), 160 + 4640 + 200832 + 1290);
    EXPECT_EQ(response_filters(network).size(), 48U);
}

TEST(NetworkText, Svgg19IsVgg19WithSpikingNeurons) {
    const Network network = parse_network(preset_text("svgg19", 50), {3, 224, 224}, 25);
    EXPECT_EQ(network.layers.size(), 19U);
    EXPECT_EQ(network.layers[16].fan_in(), 25088);
    EXPECT_EQ(parameter_count(network), 139570240 + 4096 * 50 + 50);  // VGG19 without its last layer, and 50 classes
    EXPECT_EQ(response_filters(network).size(), 5504U);
}

TEST(NetworkText, TheCanonicalTextReadsBackAsTheSameNetwork) {
    for (const char* text : {"16C3-LIF-MP2-10F", "4C3-LIF(alpha=0.5)-SP2-3F-LI(beta=0.25)",
                             "5C7p2s2b0-IF(threshold=1.25,ge)-AP3s2-8Fb0-LIF(beta=0.1,reset=zero,delay,v_reset=-0.5)-3F-IF",
                             "2C1-LIF(reset=none,decay_input,gain=2.5)-2F"}) {
        const Network network = parse_network(text, {2, 20, 17}, 3);
        const Network again = parse_network(network_text(network), {2, 20, 17}, 3);
        EXPECT_EQ(network_text(network), text);
        for (size_t l = 0; l < network.layers.size(); ++l) {
            EXPECT_EQ(again.layers[l].neuron, network.layers[l].neuron);
            EXPECT_EQ(again.layers[l].pool, network.layers[l].pool);
            EXPECT_EQ(again.layers[l].weight.shape, network.layers[l].weight.shape);
        }
    }
}

TEST(NetworkText, DefaultsReachTheCanonicalText) {
    NetworkDefaults defaults;
    defaults.neuron.beta = 0.5F;
    defaults.neuron.delay = true;
    defaults.bias = false;
    EXPECT_EQ(network_text(parse_network("4C3-LIF-2F", {1, 5, 5}, 1, defaults)), "4C3b0-LIF(beta=0.5,delay)-2Fb0");
}

TEST(NetworkText, ErrorsNameTheStage) {
    EXPECT_NE(error_of("16X3-LIF-10F").find("stage 1 '16X3'"), std::string::npos);
    EXPECT_NE(error_of("16C3-LIF-MP40-10F").find("does not fit into [16, 28, 28]"), std::string::npos);
    EXPECT_NE(error_of("16C3-10F").find("needs a neuron"), std::string::npos);
    EXPECT_NE(error_of("16C3-LIF(treshold=2)-10F").find("did you mean 'threshold'"), std::string::npos);
    EXPECT_NE(error_of("16C3-MP2-LIF-10F").find("follows a neuron"), std::string::npos);
    EXPECT_NE(error_of("16C3-LIF").find("must end in one number per class"), std::string::npos);
    for (const char* text : {"",
                             "-",
                             "16C3-LIF-",
                             "LIF-10F",
                             "10F-10F",
                             "16C3-LIF-LIF-10F",
                             "0F",
                             "99999999999F",
                             "16C3p3-LIF-10F",
                             "16C-LIF-10F",
                             "16C3-LIF(beta=nan)-10F",
                             "16C3-LIF(beta=2)-10F",
                             "16C3-LIF(threshold=0)-10F",
                             "16C3-LIF(reset=sometimes)-10F",
                             "16C3-LIF(-10F",
                             "16C3-LIF)-10F",
                             "16C3-LIFbeta-10F",
                             "131072C3-LIF-131072C3-LIF-10F",
                             "10F-IF-MP2",
                             "10F-LI",
                             "10F-IF-LI(beta=0.5)",
                             "10F-LI(beta=2)",
                             "10F-LI(beta=0.5)-IF",
                             "LI(beta=0.5)-10F",
                             "4C3-LIF(alpha=1)-10F",
                             "16C3-LI(beta=0.5)-10F"})
        EXPECT_FALSE(error_of(text).empty()) << text;
    EXPECT_THROW(preset_text("shalow", 10), InputError);
}

TEST(Network, ReceptiveFieldsByHand) {
    const Network network = parse_network("4C3-LIF-MP2-4C5p2-LIF-MP3s2-4C3s2-LIF-2F", {1, 40, 40}, 1);
    const auto expect = [&](int layer, int64_t size, int64_t stride, int64_t start) {
        const ReceptiveField field = receptive_field(network, layer);
        EXPECT_EQ(field.size, size);
        EXPECT_EQ(field.stride, stride);
        EXPECT_EQ(field.start, start);
    };
    expect(0, 3, 1, -1);
    expect(1, 12, 2, -5);          // 3 + 1 (pool) + 4·2
    expect(2, 12 + 4 + 8, 8, -9);  // + 2·2 (pool) + 2·4 (kernel), strides 2·2·2
    EXPECT_EQ(receptive_field(network, 3).size, 40);
}

TEST(Network, InitialWeightsAreAddressedAndBounded) {
    Network first = parse_network("4C3-LIF-10F", {1, 8, 8}, 1), second = first, other = first;
    initialise_weights(first, 3);
    initialise_weights(second, 3);
    initialise_weights(other, 4);
    EXPECT_EQ(first.layers[1].weight, second.layers[1].weight);
    EXPECT_NE(first.layers[1].weight, other.layers[1].weight);
    double largest = 0;
    for (float w : first.layers[1].weight.data) largest = std::max(largest, std::abs(double{w}));
    EXPECT_LE(largest, 1 / std::sqrt(256.0));
    EXPECT_GT(largest, 0.98 / std::sqrt(256.0));
}

TEST(Network, ValuesThatAreNotFiniteAreRefused) {
    Network network = parse_network("4C3-LIF-10F", {1, 8, 8}, 1);
    network.layers[0].weight.data[5] = NAN;
    EXPECT_THROW(check_network(network, "test"), InputError);
    network.layers[0].weight.data[5] = 0;
    network.layers[1].bias.data[0] = INFINITY;
    EXPECT_THROW(check_network(network, "test"), InputError);
}

}  // namespace
}  // namespace spikelens

#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/snn/network.h"

#include "random_graph.h"

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
    for (const char* text :
         {"16C3-LIF-MP2-10F", "4C3-LIF(alpha=0.5)-SP2-3F-LI(beta=0.25)", "8F-LIF-3F-LI(beta=1,alpha=0.5)",
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
    EXPECT_NE(error_of("16C3-IF(beta=0.5)-10F").find("IF has no leak"), std::string::npos);
    EXPECT_NE(error_of("16C3-IF(beta=*)-10F").find("IF has no leak"), std::string::npos);
    EXPECT_NE(error_of("16C3-LIF(rho=*)-10F").find("layer conv1 has rho without adapt"), std::string::npos);
    EXPECT_NE(error_of("MP2-16C3-LIF-10F").find("stage 1 'MP2': pooling needs a weighted layer"), std::string::npos);
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
                             "10F-LI(beta=0.5,alpha=1)",
                             "10F-LI(alpha=0.5)",
                             "10F-LI(beta=0.5)-IF",
                             "LI(beta=0.5)-10F",
                             "4C3-LIF(alpha=1)-10F",
                             "16C3-LI(beta=0.5)-10F"})
        EXPECT_FALSE(error_of(text).empty()) << text;
    EXPECT_THROW(preset_text("shalow", 10), InputError);
}

void expect_same(const Network& a, const Network& b) {
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (size_t l = 0; l < a.layers.size(); ++l) {
        const Layer &one = a.layers[l], &other = b.layers[l];
        EXPECT_EQ(one.name, other.name);
        EXPECT_EQ(one.kind, other.kind);
        EXPECT_EQ(one.inputs, other.inputs);
        EXPECT_EQ(one.neuron, other.neuron);
        EXPECT_EQ(one.values, other.values);
        EXPECT_EQ(one.pool, other.pool);
        EXPECT_EQ(one.readout_beta, other.readout_beta);
        EXPECT_EQ(one.readout_alpha, other.readout_alpha);
        EXPECT_EQ(one.weight.shape, other.weight.shape);
        EXPECT_EQ(one.recurrence.weight.shape, other.recurrence.weight.shape);
        EXPECT_EQ(one.pooled_shape(), other.pooled_shape());
    }
}

TEST(NetworkText, GraphsThatAreWrittenAsTheyAreRead) {
    for (const char* text :
         {"4C3-LIF-[4C3-LIF-4C3-LIF|]add-MP2-2F", "4C3-LIF-[4C3-LIF-4C3|]add-LIF-[4C3-MP2|4C3s2]add-IF-AP2-MP2-2F",
          "4C3-LIF-[4C3-LIF|]and-[|4C3-IF]iand-2F", "[4C3|4C1]add-LIF-[[2C3-IF|2C1-IF]cat-4C3-IF|]add-2F-LI(beta=0.5)",
          "4C3-MP2-LIF-2F", "4C3-LIF-MP2-AP3-2F", "4C3-[LIF|IF]cat-2F", "4C3-MP3s2p1-LIF-SP5x3s2x1p2x0c-MP2p0x1-2F",
          "4C3-LIF(beta=0.5,adapt=0.25,rho=0.75)-MP3s2c-4C3-LIF(adapt=*,rho=**)-2F",
          "4C1x3p0s1x2-LIF-MP1x2-4C3d2g2-IF-2F", "4C3-RC3-LIF-6F-R-LIF(beta=*,threshold=**)-6F-R1-IF(alpha=*)-2F",
          "2C3-LIF-MP5s3", "2C3-MP5s3-LI(beta=0.5,alpha=0.75)", "4C3-LIF-4C3-LIF-[@conv1|@conv2]add-2F",
          "4C3-LIF-[4C3-LIF|@input-4C5-LIF]add-2F"}) {
        const Shape input = std::string(text).find("2C3-") == 0 ? Shape{2, 5, 5} : Shape{2, 14, 14};
        const Network network = parse_network(text, input, 3);
        expect_same(parse_network(network_text(network), input, 3), network);
        if (std::string(text).find('@') == std::string::npos) {
            EXPECT_EQ(network_text(network), text);
        }
    }
    EXPECT_EQ(network_text(parse_network("4C3-LIF-GAP-[2F|2F]add", {1, 6, 8}, 1)), "4C3-LIF-AP6x8-[2F|2F]add");
    EXPECT_EQ(network_text(parse_network("4C3-LIF-AP=3x2-2F", {1, 7, 8}, 1)), "4C3-LIF-AP3x4s2x4-2F");
    EXPECT_EQ(network_text(parse_network("4C3-LIF-MP=1-2F", {1, 7, 8}, 1)), "4C3-LIF-MP7x8-2F");
}

/// Rows of PyTorch's MaxPool2d: 1 + ⌊(n + 2p − k)/s⌋, with ceil_mode ⌈⌉, unless the last window begins behind the map.
TEST(NetworkText, PoolsHaveTheSizesOfPyTorch) {
    const auto rows = [](int input, const std::string& pool) {
        return parse_network("1C1-LIF-" + pool + "-2F", {1, input, input}, 1).layers[0].pooled_height;
    };
    EXPECT_EQ(rows(8, "MP3s2p1"), 4);
    EXPECT_EQ(rows(8, "MP3s2"), 3);
    EXPECT_EQ(rows(8, "MP3s2c"), 4);
    EXPECT_EQ(rows(7, "MP3s2c"), 3);
    EXPECT_EQ(rows(5, "MP2s2p1c"), 3);  // a fourth window would begin behind the map
    EXPECT_EQ(rows(5, "MP1s4c"), 2);
    EXPECT_EQ(rows(6, "MP1s4c"), 2);
    EXPECT_EQ(rows(6, "AP4s2p2"), 4);
}

TEST(NetworkText, NormalisationsOfEachStepComeBack) {
    for (const std::string text :
         {"4C3b0-BN3-LIF-MP2-4C3-BN3-AP2-LIF-2F-BN3-LI(beta=0.5)", "4C3-LIF-[4C3-BN3|]add-BN3-LIF-2F-BN3",
          "4C3-LIF-[BN3-IF-BN3|]add-IF-2F-LIF", "[4C3-BN3-LIF|4C3-BN3]add-LIF-2F"}) {
        const Network network = parse_network(text, {2, 14, 16}, 3, {.neuron = {}, .bias = true});
        EXPECT_EQ(network_text(network), text);
        expect_same(parse_network(network_text(network), {2, 14, 16}, 3), network);
        for (const Layer& layer : network.layers) {
            if (layer.kind != LayerKind::norm) continue;
            EXPECT_EQ(layer.weight, FloatArray({3, layer.out_channels}, 1.0F));
            EXPECT_EQ(layer.bias, FloatArray({3, layer.out_channels}));
        }
    }
    const Network network = parse_network("4C3b0-BN3-LIF-2F", {1, 8, 8}, 3, {.neuron = {}, .bias = false});
    EXPECT_EQ(network_text(network), "4C3b0-BN3-LIF-2Fb0");
    EXPECT_EQ(parameter_count(network), 4 * 9 + 2 * 3 * 4 + 2 * 256);
    EXPECT_EQ(filter_name(network, response_filters(network)[0]), "norm2.0");
    EXPECT_EQ(receptive_field(network, 1).size, 3);
}

TEST(NetworkText, RandomGraphsComeBack) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
        const std::string text = testing::RandomGraph(seed).text();
        const Network network = parse_network(text, {2, 14, 16}, 3);
        const std::string canonical = network_text(network);
        const Network again = parse_network(canonical, {2, 14, 16}, 3);
        EXPECT_EQ(network_text(again), canonical) << text;
        expect_same(again, network);
        if (text.find('@') == std::string::npos) {
            EXPECT_EQ(canonical.find('@'), std::string::npos) << text;
        }
    }
}

TEST(NetworkText, ErrorsOfGraphsNameTheLayerAndWhatWasExpected) {
    const auto expect = [&](const std::string& text, const std::string& part) {
        EXPECT_NE(error_of(text).find(part), std::string::npos) << text << ": " << error_of(text);
    };
    expect("4C3-LIF-[4C3-LIF-MP2|]add-2F",
           "joins [4, 14, 14] (conv2) and [4, 28, 28] (conv1); expected shapes that are equal");
    expect("4C3-LIF-[4C3-LIF|]plus-2F", "stage 5 'plus': branches meet in ]add");
    expect("4C3-LIF-[4C3|]and-2F", "reads currents of conv2; 'and' takes spikes alone");
    expect("4C3-LIF-AP2-[4C3-LIF|]iand-2F", "reads numbers of spikes of conv1");
    expect("4C3-4C3-LIF-2F", "stage 2 '4C3': reads the currents of conv1, which needs a neuron");
    expect("[4C3-LIF|]add-2F", "reads the network's input");
    expect("4C3-LIF-MP3s2p2-2F", "stage 3 'MP3s2p2': the padding must be at most half the pool's size");
    expect("4C3-LIF-AP3s2c-2F", "averages would differ in their size");
    expect("4C3-LIF-AP=5-2F", "windows that make 5×5 of [4, 28, 28] differ");
    expect("4C3-LIF-AP=40-2F", "windows that make 40×40 of [4, 28, 28] differ");
    expect("4C3-LIF-[4C3-LIF|4C3-LIF", "the bracket is not closed");
    expect("4C3-LIF]add-2F", "no bracket is open");
    expect("4C3-LIF-[4C3-LIF]add-2F", "has 1 inputs where two or more were expected");
    expect("4C3-LIF-[4C3-LIF|]add", "must end in one number per class");
    expect("4C3-LIF-@conv7-2F", "there is no layer 'conv7'");
    expect("4C3-LIF-4C3-LIF-@conv1-2F", "layer conv2 is read by no layer");
    expect("4C3-LIF-R-2F", "recurrence stands between a weighted layer and its neuron");
    expect("4C3-RC2-LIF-2F", "kernel of an odd size");
    expect("4C3g3-LIF-2F", "groups must divide");
    expect("BN10-LIF-2F", "stage 1 'BN10': a batch normalisation needs a layer before it");
    expect("4C3-BN-LIF-2F", "stage 2 'BN': the number of steps must be a whole number");
    expect("4C3-BN10x-LIF-2F", "'x' is not understood; expected for example BN4");
    expect("4C3-BN4-LIF-2F", "layer norm2 normalises each of 4 steps by itself, but the network runs for 10");
    expect("4C3-BN10-2F", "stage 3 '2F': reads the currents of norm2");
    expect("4C3-BN10-R-LIF-2F", "recurrence stands between a weighted layer and its neuron");
    expect("4C3-LIF-SP28-SP1-[2F|2F]add-SP200-2F", "does not fit");
    expect("4C3-LIF-SP14s1-SP14s1-SP2s1-2F", "more than 65535 spikes");
    expect(std::string(200, '['), "brackets stand in each other");
}

TEST(NetworkText, MutatedTextsAreRefusedOrComeBack) {
    const std::string letters = "0123456789CFLIRMAPSG[]|@-()=*xpsdgb,.add cat";
    for (uint64_t seed = 0; seed < 3000; ++seed) {
        testing::RandomGraph graph(seed % 40);
        std::string text = graph.text();
        for (int changes = 1 + static_cast<int>(seed % 3); changes > 0; --changes)
            text[random_bits(5, Stream::test, {seed, 1, static_cast<uint64_t>(changes)}) % text.size()] =
                letters[random_bits(5, Stream::test, {seed, 2, static_cast<uint64_t>(changes)}) % letters.size()];
        try {
            const Network network = parse_network(text, {2, 6, 6}, 1);
            EXPECT_EQ(network_text(parse_network(network_text(network), {2, 6, 6}, 1)), network_text(network)) << text;
        } catch (const InputError&) {
        }
    }
}

TEST(Network, GraphsHaveFieldsAsTheirBranchesUnite) {
    const Network network =
        parse_network("4C3-LIF-[4C5-LIF|]add-MP2-[4C3d2-IF|4C1-IF|@conv1-MP2]cat-4C1x3-LIF-2F", {1, 40, 32}, 1);
    const auto expect = [](const ReceptiveField& field, int64_t size, int64_t stride, int64_t start) {
        EXPECT_EQ(field.size, size);
        EXPECT_EQ(field.stride, stride);
        EXPECT_EQ(field.start, start);
    };
    expect(receptive_field(network, 2), 7, 1, -3);          // the sum: 3 + 4
    expect(receptive_field(network, 3), 8 + 8, 2, -3 - 4);  // pooled, then 3 of every second
    expect(receptive_field(network, 6), 16, 2, -7);         // the widest branch holds the others
    expect(receptive_rows(network, 7), 16, 2, -7);          // 1 × 3
    expect(receptive_columns(network, 7), 20, 2, -9);
    EXPECT_EQ(receptive_rows(network, 8).size, 40);
    EXPECT_EQ(receptive_columns(network, 8).size, 32);
    EXPECT_EQ(receptive_field(parse_network("4C3-RC3-LIF-2F", {1, 9, 9}, 1), 0).size, 9);
}

TEST(Network, FiltersOfGraphsAreThoseOfMapsWithNeurons) {
    const Network network = parse_network("4C3-MP2-LIF-[4C3|]add-IF-8F-LIF-[8F-LIF|]add-2F", {1, 8, 8}, 1);
    std::vector<std::string> names;
    for (const FilterIndex& filter : response_filters(network)) names.push_back(filter_name(network, filter));
    EXPECT_EQ(names, (std::vector<std::string>{"pass2.0", "pass2.1", "pass2.2", "pass2.3", "add4.0", "add4.1", "add4.2",
                                               "add4.3"}));
}

TEST(Network, WhatWorksOnChainsAloneNamesTheLayerThatIsNotOfOne) {
    const auto refusal = [](const char* text) {
        try {
            require_chain(parse_network(text, {2, 8, 8}, 1), "this");
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    EXPECT_EQ(refusal("4C3-LIF-MP2-8F-IF-2F-LI(beta=0.5)"), "");
    EXPECT_EQ(refusal("4C3-LIF-[4C3-LIF|]add-2F"),
              "this: expected a chain of layers with square windows; layer add3 joins conv2 and conv1");
    EXPECT_EQ(refusal("4C3-BN1-LIF-2F"),
              "this: expected a chain of layers with square windows; layer conv1 is normalised at each step by itself");
    for (const char* text :
         {"4C3-MP2-LIF-2F", "4C3-LIF-MP2-MP2-2F", "4C1x3-LIF-2F", "4C3d2-LIF-2F", "4C3g2-LIF-2F", "4C3-R-LIF-2F",
          "4C3-LIF(beta=*)-2F", "4C3-LIF(adapt=0.5)-2F", "4C3-LIF-MP3s2p1-2F", "4C3-LIF-MP3s2c-2F", "4C3-LIF-MP1x2-2F"})
        EXPECT_NE(refusal(text).find("this: expected a chain"), std::string::npos) << text;
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

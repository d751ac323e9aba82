#include <algorithm>
#include <bit>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/snn/simulate.h"

#include "model_io/nir_import.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Network network_of(const std::string& text, const Shape& input = {2, 9, 8}, uint64_t seed = 1) {
    Network network = parse_network(text, input, 17);
    initialise_weights(network, seed);
    return network;
}

std::vector<uint32_t> bits(const FloatArray& array) {
    std::vector<uint32_t> all;
    for (float value : array.data) all.push_back(std::bit_cast<uint32_t>(value));
    return all;
}

void expect_same(const Network& found, const Network& expected) {
    EXPECT_EQ(network_text(found), network_text(expected));
    EXPECT_EQ(found.input_shape(), expected.input_shape());
    EXPECT_EQ(found.steps, expected.steps);
    EXPECT_EQ(found.classes, expected.classes);
    ASSERT_EQ(found.layers.size(), expected.layers.size());
    for (size_t l = 0; l < found.layers.size(); ++l) {
        EXPECT_EQ(found.layers[l].name, expected.layers[l].name);
        EXPECT_EQ(found.layers[l].inputs, expected.layers[l].inputs);
        EXPECT_EQ(found.layers[l].values, expected.layers[l].values) << l;
        EXPECT_EQ(bits(found.layers[l].recurrence.weight), bits(expected.layers[l].recurrence.weight)) << l;
        EXPECT_EQ(found.layers[l].neuron, expected.layers[l].neuron) << l;
        EXPECT_EQ(found.layers[l].readout_beta, expected.layers[l].readout_beta) << l;
        EXPECT_EQ(found.layers[l].readout_alpha, expected.layers[l].readout_alpha) << l;
        EXPECT_EQ(found.layers[l].has_bias, expected.layers[l].has_bias) << l;
        EXPECT_EQ(bits(found.layers[l].weight), bits(expected.layers[l].weight)) << l;
        EXPECT_EQ(bits(found.layers[l].bias), bits(expected.layers[l].bias)) << l;
    }
}

Network there_and_back(const Network& network) {
    return import_nir_values(export_nir_values(network, "test"), {}, "test").network;
}

std::string refusal(const std::string& text, const Shape& input = {2, 9, 8}) {
    return input_error([&] { export_nir_values(network_of(text, input), "cannot write f.nir"); });
}

TEST(NirExport, NetworksComeBackToTheBit) {
    for (const char* text : {"10F", "10F-LIF", "4C3-LIF-AP2-10F",
                             "4C3b0-IF-SP3s2-5C3p0s2-LIF(reset=zero,v_reset=-0.3)-6Fb0-LIF(beta=0.3)-3F",
                             "3C5p2s2-LIF(alpha=0.8,gain=1.7)-7F-LIF(beta=0,reset=none)-4F-LI(beta=0.9)",
                             "12F-LIF(threshold=0.1)-10F-LI(beta=0)", "3F-IF(gain=-0.2,reset=zero,v_reset=0.5)",
                             "2C3p2-LIF(beta=0)-AP1-5F"}) {
        Network network = network_of(text);
        expect_same(there_and_back(network), network);
        network.classes.assign(network.class_count(), "a class, „quoted“");
        network.layers[0].weight.data[0] = -0.0F;
        network.layers[0].weight.data[1] = 1e-42F;
        expect_same(there_and_back(network), network);
    }
    expect_same(there_and_back(network_of("5F-LIF-2F", {12, 1, 1})), network_of("5F-LIF-2F", {12, 1, 1}));
}

/// Values of neurons that differ, each in range of its field.
void draw_values(Network& network, uint64_t seed) {
    for (Layer& layer : network.layers)
        for (NeuronValue& value : layer.values)
            for (int64_t i = 0; i < value.values.size(); ++i)
                value.values.data[i] =
                    static_cast<float>(0.1 + 0.8 * random_uniform(seed, Stream::test, {77, static_cast<uint64_t>(i)}));
}

TEST(NirExport, GraphsComeBackToTheBit) {
    for (const char* text : {
             "4C3-LIF-[4C3-LIF-4C3-LIF|]add-[4C3-LIF|]add-AP2-10F",  // of spikes, sums of sums
             "4C3-LIF-[4C3-LIF-4C3|4C1]add-LIF-[4C3|]add-AP2-LIF-10F-LI(beta=0.5,alpha=0.25)",  // of currents
             "4C3-LIF-[8F-LIF|12F-IF-8F-LIF]add-[3F|3F]add",  // read directly, and by the output
             "4C3-LIF-[8F|12F-IF-8F]add-LIF-5F-LIF",
             "4C3-AP2-LIF-AP2-SP1-IF-10F",                  // pools of currents, and twice
             "4C1x3p0x1s1x2d1x2g2-LIF-AP1x2-6C3x1-IF-10F",  // rows and columns that differ
             "4C3-LIF-10C1-LIF-GAP",
             "5F-R-LIF-4F-R1-IF-3F",
             "4C3-RC3-LIF-6C3-R1-LIF(reset=zero)-3F-R-LIF",
             "4C3-LIF(beta=*,threshold=**,gain=*)-5F-LIF(beta=**,v_reset=*,reset=zero,alpha=*)-3F-IF(threshold=*,gain=*"
             "*)",
             "4C3-R1-LIF(beta=**)-5F-LIF(beta=0,reset=none,threshold=*)-3F",
         }) {
        Network network = parse_network(text, {2, 9, 8}, 17, {});
        initialise_weights(network, 3);
        expect_same(there_and_back(network), network);  // all values the same, which is not to make them one
        draw_values(network, 5);
        expect_same(there_and_back(network), network);
    }
}

TEST(NirExport, OneAxisIsSaidWhereNirHasTheNodes) {
    const auto has = [](const NirValues& values, const std::string& type) {
        return std::ranges::any_of(values, [&](const auto& value) { return value.second.texts == std::vector{type}; });
    };
    for (const char* text : {"4C1x3p0x1s1x2-LIF-[6C1x5p0x4d1x2|6C1g2]add-LIF(beta=**)-5F-LIF-2F", "4C1x3-R1-LIF-5F"}) {
        const Network network = network_of(text, {2, 1, 20});
        EXPECT_TRUE(has(export_nir_values(network, "test"), "Conv1d")) << text;
        expect_same(there_and_back(network), network);
    }
    for (const char* text :
         {"4C1x3-LIF-AP1x2-5F", "4C1x3-RC3-LIF-5F", "4C1-LIF-5F"}) {  // pools and the like have two axes alone
        const Network network = network_of(text, {2, 1, 20});
        EXPECT_FALSE(has(export_nir_values(network, "test"), "Conv1d")) << text;
        expect_same(there_and_back(network), network);
    }
}

/// A graph's text, its model file and its NIR give one network, and so the same bits.
TEST(NirExport, TextModelFileAndNirAreOneNetwork) {
    const TemporaryFolder folder;
    for (const char* text : {"4C3-LIF(beta=*)-[4C3-LIF-4C3|]add-LIF-AP2-9F-R-LIF-10F", "16C3-LIF-AP2-10F",
                             "4C3-SP3s2p1-LIF-AP4x2s2p2x1-10F"}) {
        Network network = network_of(text);
        network.classes = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
        save_model(network, folder / "a.safetensors");
        export_nir(load_model(folder / "a.safetensors"), folder / "a.nir");
        const Network back = import_nir(folder / "a.nir").network;
        EXPECT_EQ(model_fingerprint(back), model_fingerprint(network)) << text;
        Array<uint8_t> input({2, 5, 2, 9, 8});
        for (size_t i = 0; i < input.data.size(); ++i) input.data[i] = random_bits(3, Stream::test, {i}) % 2;
        EXPECT_EQ(Simulator(back).run_spikes(input).scores, Simulator(network).run_spikes(input).scores) << text;
    }
}

float random_float(uint64_t round, uint64_t which, double low, double high) {
    const double u = random_uniform(7, Stream::test, {round, which});
    return static_cast<float>(low + (high - low) * u);
}

TEST(NirExport, EveryDecayAndGainComesBackToTheBit) {
    for (uint64_t round = 0; round < 1500; ++round) {
        Network network = network_of("2F-LIF-2F-LI(beta=0.5)", {1, 1, 1});
        Neuron& neuron = *network.layers[0].neuron;
        neuron.beta = random_float(round, 0, 0, 1);
        neuron.alpha = round % 2 ? random_float(round, 1, 0, 1) : 0;
        neuron.gain = std::ldexp(random_float(round, 2, -1, 1), static_cast<int>(round % 40) - 20);
        neuron.threshold = random_float(round, 3, 0.01, 4);
        neuron.reset = round % 3 ? Reset::subtract : Reset::zero;
        network.layers[1].readout_beta = random_float(round, 4, 0, 1);
        network.layers[1].readout_alpha = round % 2 ? 0 : random_float(round, 5, 0, 1);
        if (round % 10 == 0) neuron.beta = std::nextafter(1.0F, 0.0F);
        if (round % 10 == 1) network.layers[1].readout_beta = std::nextafter(1.0F, 0.0F);
        if (round % 10 == 2) neuron.beta = 0;
        if (round % 10 == 4) {
            neuron.beta = 1;
            neuron.alpha = 0;
        }
        const Network back = there_and_back(network);
        ASSERT_EQ(back.layers[0].neuron, network.layers[0].neuron) << round;
        ASSERT_EQ(back.layers[1].readout_beta, network.layers[1].readout_beta) << round;
        ASSERT_EQ(back.layers[1].readout_alpha, network.layers[1].readout_alpha) << round;
        ASSERT_EQ(bits(back.layers[1].weight), bits(network.layers[1].weight)) << round;
    }
}

TEST(NirExport, WhatNirCannotSayNamesTheLayer) {
    EXPECT_THAT(refusal("4C3-LIF-MP2-10F"),
                AllOf(HasSubstr("cannot write f.nir"), HasSubstr("layer conv1"), HasSubstr("max-pooling")));
    EXPECT_THAT(refusal("4C3-LIF-5F-LIF(delay)-10F"), AllOf(HasSubstr("layer full2"), HasSubstr("one step late")));
    EXPECT_THAT(refusal("4C3-LIF(ge)-10F"), AllOf(HasSubstr("layer conv1"), HasSubstr("at the threshold")));
    EXPECT_THAT(refusal("4C3-LIF(decay_input)-10F"), HasSubstr("decay_input"));
    EXPECT_THAT(refusal("4C3-LIF(reset=none)-10F"), HasSubstr("never reset"));
    EXPECT_THAT(refusal("4C3-LIF(beta=0,reset=none,gain=2)-10F"), HasSubstr("a step with a gain"));
    EXPECT_THAT(refusal("4C3-IF(alpha=0.5)-10F"), HasSubstr("synaptic current"));
    EXPECT_THAT(refusal("4C3-LIF(beta=1e-20)-10F"), AllOf(HasSubstr("beta"), HasSubstr("to the bit")));
    EXPECT_THAT(refusal("9F-LIF-4C1-IF-10F"),
                HasSubstr("layer conv2: a convolution of what a fully connected layer gives"));
    EXPECT_THAT(refusal("9F-LIF-AP1-10F"), HasSubstr("pooling of what a fully connected layer gives"));
    EXPECT_THAT(refusal("4C3-LIF-[4C3-LIF|]and-10F"),
                AllOf(HasSubstr("layer and3"), HasSubstr("by 'and', not by a sum")));
    EXPECT_THAT(refusal("4C3-LIF-[4C3-LIF|]cat-10F"), AllOf(HasSubstr("layer cat3"), HasSubstr("by 'cat'")));
    EXPECT_THAT(refusal("4C3-R-LIF-10F"),
                AllOf(HasSubstr("layer conv1"), HasSubstr("a recurrence of all neurons of a map")));
    EXPECT_THAT(refusal("4C3-LIF-[|]add-10F"), HasSubstr("a sum that has one part twice"));
    EXPECT_THAT(refusal("4F-LIF-[4C1-LIF|]add-10F", {2, 1, 1}),
                HasSubstr("layer conv2: a convolution of what a fully connected"));
    EXPECT_THAT(refusal("4C3-BN17-LIF-10F"),
                AllOf(HasSubstr("layer norm2"), HasSubstr("a batch normalisation with values for each step")));
    Network named = network_of("4C3-LIF-10F");
    named.layers[0].name = "features.0";
    EXPECT_THAT(input_error([&] { export_nir_values(named, "f"); }),
                HasSubstr("features.0: it would be read back as another one"));
    Network classes = network_of("2F");
    classes.classes = {"a", std::string("b\0c", 3)};
    EXPECT_THAT(input_error([&] { export_nir_values(classes, "f"); }), HasSubstr("zero byte"));
    Network broken = network_of("2F");
    broken.layers[0].weight.data[0] = std::nanf("");
    EXPECT_THAT(input_error([&] { export_nir_values(broken, "f"); }), HasSubstr("not finite"));
}

TEST(NirExport, FilesComeBackToTheBitAndAreTheSameEveryTime) {
    const TemporaryFolder folder;
    Network network = network_of("8C3b0-LIF-AP2-6C3-LIF(alpha=0.4)-40F-LIF(reset=zero)-10F-LI(beta=0.9)", {2, 20, 20});
    network.classes = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "ä 9"};
    export_nir(network, folder / "a.nir");
    export_nir(network, folder / "b.nir");
    EXPECT_EQ(read_file(folder / "a.nir"), read_file(folder / "b.nir"));
    const ImportedNetwork imported = import_nir(folder / "a.nir");
    expect_same(imported.network, network);
    EXPECT_THAT(imported.assumptions, testing::Contains(HasSubstr("as the file's metadata say")));
    // Nothing is left where the file could not be written, and nothing replaces a folder.
    EXPECT_THROW(export_nir(network, folder / "a.nir" / "c.nir"), RunError);
}

}  // namespace
}  // namespace spikelens

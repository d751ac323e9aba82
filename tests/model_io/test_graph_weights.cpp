#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/model_io/model_file.h"

#include "small_weights.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class GraphWeights : public WeightFile {
  protected:
    static void add(TestFile& file, const std::string& stem, const Shape& shape, uint64_t which) {
        file.add(stem + ".weight", values(shape, which));
        file.add(stem + ".bias", values({shape[0]}, which + 100));
    }
    /// A stem, a block with a downsampling convolution as torchvision names it, and a readout.
    static TestFile residual() {
        TestFile file;
        add(file, "fc", {2, 5}, 6);
        add(file, "layer1.0.downsample.0", {5, 3, 1, 1}, 5);
        add(file, "layer1.0.conv3", {5, 3, 1, 1}, 4);
        add(file, "layer1.0.conv2", {3, 3, 3, 3}, 3);
        add(file, "layer1.0.conv1", {3, 3, 3, 3}, 2);
        add(file, "conv1", {3, 2, 3, 3}, 1);
        file.modules = {"",
                        "conv1",
                        "layer1",
                        "layer1.0",
                        "layer1.0.conv1",
                        "layer1.0.conv2",
                        "layer1.0.conv3",
                        "layer1.0.downsample",
                        "layer1.0.downsample.0",
                        "fc"};
        return file;
    }
    static TestFile recurrent(const std::string& stem, const Shape& shape, bool bias = true) {
        TestFile file;
        add(file, "fc1", {4, 72}, 1);
        file.add(stem + ".weight", values(shape, 2));
        if (bias) file.add(stem + ".bias", values({4}, 3));
        add(file, "fc2", {2, 4}, 4);
        return file;
    }
};

TEST_F(GraphWeights, BlocksAreFilledInTheirOrder) {
    const std::string text = "3C3-LIF-[3C3-LIF-3C3-LIF-5C1-LIF|5C1-LIF]add-GAP-2F";
    const Network network = import(residual(), text).network;
    for (const auto& [layer, which] :
         std::vector<std::pair<size_t, uint64_t>>{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {6, 6}})
        EXPECT_EQ(network.layers[layer].weight, values(network.layers[layer].weight.shape, which)) << layer;
    TestFile unordered = residual();
    unordered.modules = {};
    EXPECT_THAT(refusal(unordered, text), AllOf(HasSubstr("layer1.0.conv3"), HasSubstr("layer1.0.downsample.0")));
}

/// Two branches that shapes cannot tell apart, the other way round than the model defines them.
TEST_F(GraphWeights, BranchesInAnotherOrderAreRefusedUntilTold) {
    const std::string turned = "3C3-LIF-[5C1-LIF|3C3-LIF-3C3-LIF-5C1-LIF]add-GAP-2F";
    EXPECT_THAT(refusal(residual(), turned),
                AllOf(HasSubstr("layer1.0.conv3"), HasSubstr("layer1.0.downsample.0"), HasSubstr("different branches"),
                      HasSubstr("conv2"), HasSubstr("conv5")));
    const Network network = import(residual(), turned, {.layers = {{"conv2", "layer1.0.downsample.0"}}}).network;
    EXPECT_EQ(network.layers[1].weight, values({5, 3, 1, 1}, 5));
    EXPECT_EQ(network.layers[4].weight, values({5, 3, 1, 1}, 4));
}

TEST_F(GraphWeights, RecurrentConnectionsOfEveryKindAreFilled) {
    const FloatArray bias = values({4}, 101), more = values({4}, 3);
    const ImportedNetwork all = import(recurrent("lif1.recurrent", {4, 4}), "4F-R-LIF-2F");
    EXPECT_EQ(all.network.layers[0].recurrence.weight, values({4, 4}, 2));
    for (size_t o = 0; o < 4; ++o)
        EXPECT_EQ(all.network.layers[0].bias.data[o], static_cast<float>(double{bias.data[o]} + more.data[o]));
    EXPECT_EQ(all.tensors[2].to, "full1.recurrent.weight");
    EXPECT_EQ(all.tensors[3].to, "full1.bias");
    TestFile one = recurrent("x", {4}, false);
    one.tensors[2].name = "lif1.recurrent.V";
    EXPECT_EQ(import(one, "4F-R1-LIF-2F").network.layers[0].recurrence.weight, values({4}, 2));
    one.add("lif1.V", values({4}, 2));
    EXPECT_EQ(refusal(one, "4F-R1-LIF-2F"), "");
    one.tensors[2].shape = one.tensors[2].strides = {};
    EXPECT_EQ(import(one, "4F-R1-LIF-2F").network.layers[0].recurrence.weight, FloatArray({4}, values({4}, 2).data[0]));
    TestFile norse = recurrent("x", {4, 4}, false);
    norse.tensors[0].name = "cell.input_weights";
    norse.tensors[1].name = "cell.bias";
    norse.tensors[2].name = "cell.recurrent_weights";
    EXPECT_EQ(import(norse, "4F-R-LIF-2F").network.layers[0].recurrence.weight, values({4, 4}, 2));
    TestFile map;
    add(map, "conv", {3, 2, 3, 3}, 1);
    add(map, "lif.recurrent", {3, 3, 3, 3}, 2);
    add(map, "fc", {2, 108}, 4);
    EXPECT_EQ(import(map, "3C3-RC3-LIF-2F").network.layers[0].recurrence.weight, values({3, 3, 3, 3}, 2));
}

/// Its first columns read the input, the others the spikes.
TEST_F(GraphWeights, OneMatrixForInputAndSpikesIsTakenApart) {
    input = {4, 1, 1};
    TestFile file;
    add(file, "cell.rc", {4, 8}, 1);
    add(file, "fc", {2, 4}, 2);
    const Network network = import(file, "4F-R-LIF-2F").network;
    const FloatArray both = values({4, 8}, 1);
    for (size_t o = 0; o < 4; ++o)
        for (size_t i = 0; i < 4; ++i) {
            EXPECT_EQ(network.layers[0].weight.data[4 * o + i], both.data[8 * o + i]);
            EXPECT_EQ(network.layers[0].recurrence.weight.data[4 * o + i], both.data[8 * o + 4 + i]);
        }
    EXPECT_EQ(network.layers[0].bias, values({4}, 101));
}

TEST_F(GraphWeights, RecurrenceThatDoesNotFitIsRefused) {
    EXPECT_THAT(refusal(recurrent("lif1.recurrent", {4, 4}), "4F-LIF-2F"),
                AllOf(HasSubstr("lif1.recurrent.weight"), HasSubstr("no recurrent layer")));
    EXPECT_THAT(refusal(recurrent("lif1.recurrent", {4, 4}), "4F-R1-LIF-2F"), HasSubstr("lif1.recurrent.weight"));
    EXPECT_THAT(refusal(recurrent("lif1.rec_connect", {4, 4}), "4F-R-LIF-2F"),
                AllOf(HasSubstr("lif1.rec_connect.bias"), HasSubstr("first step"), HasSubstr("Sinabs")));
    EXPECT_EQ(refusal(recurrent("lif1.rec_connect", {4, 4}, false), "4F-R-LIF-2F"), "");
    TestFile plain = recurrent("x", {4, 4}, false);
    plain.tensors.erase(plain.tensors.begin() + 2);
    EXPECT_THAT(refusal(plain, "4F-R-LIF-2F"), HasSubstr("no tensor for full1.recurrent.weight, [4, 4]"));
    EXPECT_EQ(import(plain, "4F-R1-LIF-2F", {.layers = {{"full1.recurrent", "1"}}}).network.layers[0].recurrence.weight,
              FloatArray({4}, 1.0F));
    EXPECT_EQ(import(recurrent("1.recurrent", {4, 4}), "4F-R-LIF-2F", {.layers = {{"full1.recurrent", "1"}}})
                  .network.layers[0]
                  .recurrence.weight,
              values({4, 4}, 2))
        << "a module of this name comes first";
    EXPECT_THAT(refusal(plain, "4F-R-LIF-2F", {.layers = {{"full1.recurrent", "lif9"}}}),
                HasSubstr("no weight of 'lif9'"));
    EXPECT_THAT(refusal(recurrent("lif1.recurrent", {4, 4}), "4Fb0-R-LIF-2F"), HasSubstr("drop its b0"));
}

/// A convolution along time or a line of sensors: kernels of one row.
TEST_F(GraphWeights, OneDimensionalConvolutionsAreRows) {
    input = {2, 1, 8};
    TestFile file;
    add(file, "conv", {4, 2, 3}, 1);
    add(file, "fc", {2, 32}, 2);
    const ImportedNetwork imported = import(file, "4C1x3-LIF-2F");
    EXPECT_EQ(imported.network.layers[0].weight.data, values({4, 2, 3}, 1).data);
    EXPECT_EQ(imported.tensors[0].shape, (Shape{4, 2, 3}));
}

/// Every tensor of a model of ours under its own name, as a plain file of weights has it.
TEST_F(GraphWeights, OwnNamesFillEverything) {
    const std::string text = "3C3-RC3-LIF(beta=*,threshold=**)-MP2-[4F-R-LIF(gain=*)|4F-R1-LIF]cat-2F-LIF(alpha=*)";
    Network expected = parse_network(text, input, 4);
    initialise_weights(expected, 4);
    TestFile file;
    for (Layer& layer : expected.layers) {
        if (!layer.weight.empty()) file.add(layer.name + ".weight", layer.weight);
        if (!layer.bias.empty()) file.add(layer.name + ".bias", layer.bias);
        if (!layer.recurrence.weight.empty()) file.add(layer.name + ".recurrent.weight", layer.recurrence.weight);
        for (NeuronValue& value : layer.values) {
            for (size_t i = 0; i < value.values.data.size(); ++i)
                value.values.data[i] = 0.5F + 0.001F * static_cast<float>(i);
            file.add(layer.name + ".neuron." + value.field, value.values);
        }
    }
    for (const NeuronSource source : {NeuronSource::agree, NeuronSource::file, NeuronSource::text})
        EXPECT_EQ(model_fingerprint(import(file, text, {.layers = {}, .neurons = source}).network),
                  model_fingerprint(expected));
    file.tensors.pop_back();
    EXPECT_THAT(refusal(file, text), AllOf(HasSubstr("alpha of full5"), HasSubstr("holds none")));
}

/// sn1, sn2 and downsample_sn of a residual block, and the neuron after the sum.
TEST_F(GraphWeights, NeuronsOfGraphsFindTheirLayers) {
    const std::string text = "3C3-LIF(beta=0.5)-[3C3-LIF(beta=0.6)|3C1-LIF(beta=0.7)]add-LIF(beta=0.8)-2F";
    TestFile file;
    add(file, "stem", {3, 2, 3, 3}, 1);
    add(file, "conv", {3, 3, 3, 3}, 2);
    add(file, "down", {3, 3, 1, 1}, 3);
    add(file, "fc", {2, 108}, 4);
    for (const auto& [name, beta] :
         std::vector<std::pair<std::string, float>>{{"sn1", 0.5F}, {"sn2", 0.6F}, {"sn3", 0.7F}, {"sn4", 0.8F}})
        file.add(name + ".beta", FloatArray(Shape{}, {beta}));
    EXPECT_EQ(refusal(file, text), "");
    file.storages.back() = float_storage({0.25F});
    EXPECT_THAT(refusal(file, text), AllOf(HasSubstr("sn4.beta"), HasSubstr("add4"), HasSubstr("0.25")));
    EXPECT_EQ(import(file, text, {.layers = {}, .neurons = NeuronSource::file}).network.layers[3].neuron->beta, 0.25F);
}

}  // namespace
}  // namespace spikelens

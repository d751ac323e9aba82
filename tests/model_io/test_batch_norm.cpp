#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "small_weights.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class BatchNorm : public WeightFile {
  protected:
    /// Conv2d(2, 3, 3, bias=False), BatchNorm2d(3), a neuron, Linear(108, 2).
    static TestFile sequential(const std::string& conv = "0", const std::string& norm = "1",
                               const std::string& full = "4") {
        TestFile file;
        file.add(conv + ".weight", values({3, 2, 3, 3}, 1));
        add_norm(file, norm, 3, 10);
        file.add(full + ".weight", values({2, 108}, 2));
        file.add(full + ".bias", values({2}, 3));
        return file;
    }
    const std::string text = "3C3-LIF-2F";
};

/// The definition in double precision, value by value.
TEST_F(BatchNorm, IsFoldedIntoTheConvolutionBeforeIt) {
    for (const bool bias : {false, true})
        for (const double eps : {1e-5, 0.5}) {
            TestFile file = sequential();
            if (bias) file.add("0.bias", values({3}, 4));
            WeightOptions options;
            if (eps != 1e-5) options.bn_eps = eps;
            const ImportedNetwork imported = import(file, text, options);
            const Layer& layer = imported.network.layers[0];
            const FloatArray weight = values({3, 2, 3, 3}, 1), own = values({3}, 4);
            const FloatArray gamma = values({3}, 10), beta = values({3}, 11), mean = values({3}, 12),
                             var = positive({3}, 13);
            for (size_t o = 0; o < 3; ++o) {
                const double scale = gamma.data[o] / std::sqrt(var.data[o] + eps), b = bias ? own.data[o] : 0;
                EXPECT_EQ(layer.bias.data[o], static_cast<float>((b - mean.data[o]) * scale + beta.data[o]));
                for (size_t i = 0; i < 18; ++i)
                    EXPECT_EQ(layer.weight.data[18 * o + i], static_cast<float>(weight.data[18 * o + i] * scale));
            }
            EXPECT_EQ(imported.network.layers[1].weight, values({2, 108}, 2));
            EXPECT_THAT(imported.assumptions,
                        Contains(AllOf(HasSubstr("1 after conv1"), HasSubstr(bias ? "ε = " : "running"))));
            EXPECT_EQ(imported.tensors[1].from, "1.weight");
            EXPECT_EQ(imported.tensors[1].to, "conv1.weight");
            EXPECT_THAT(imported.tensors[1].note, HasSubstr("folded"));
            EXPECT_EQ(imported.tensors[5].to, "");
        }
}

TEST_F(BatchNorm, MayHaveNoScaleAndFollowAFullyConnectedLayer) {
    TestFile file = sequential();
    for (size_t i : {2U, 1U}) file.tensors.erase(file.tensors.begin() + static_cast<std::ptrdiff_t>(i));  // not affine
    file.add("5.running_mean", FloatArray({2}, {1, 2}));
    file.add("5.running_var", FloatArray({2}, {4 - 1e-5F, 1}));
    const Network network = import(file, text).network;
    const FloatArray bias = values({2}, 3);
    EXPECT_FLOAT_EQ(network.layers[1].bias.data[0], (bias.data[0] - 1) / 2);
    EXPECT_FLOAT_EQ(network.layers[0].bias.data[0],
                    -values({3}, 12).data[0] / std::sqrt(positive({3}, 13).data[0] + 1e-5F));
}

/// Names of the usual kinds, with and without the order of definition; each pairs convolution i with normalisation i.
TEST_F(BatchNorm, FindsItsLayerByNamesAndOrder) {
    struct Case {
        std::vector<std::string> convolutions, norms;
    };
    const std::string two = "3C3-LIF-3C3-LIF-2F";
    for (const Case& one :
         {Case{{"conv1", "conv2"}, {"bn1", "bn2"}}, Case{{"features.0", "features.3"}, {"features.1", "features.4"}},
          Case{{"layer1.0.conv1", "layer1.1.conv1"}, {"layer1.0.bn1", "layer1.1.bn1"}},
          Case{{"convs.0", "convs.1"}, {"norms.0", "norms.1"}}, Case{{"b0.conv", "b1.conv"}, {"b0.bn", "b1.bn"}},
          Case{{"b.0.0", "b.1.0"}, {"b.0.1", "b.1.1"}}}) {
        TestFile file;
        add_norm(file, one.norms[1], 3, 20);
        file.add(one.convolutions[1] + ".weight", values({3, 3, 3, 3}, 2));
        add_norm(file, one.norms[0], 3, 10);
        file.add(one.convolutions[0] + ".weight", values({3, 2, 3, 3}, 1));
        file.add("last.weight", values({2, 108}, 3));
        file.add("last.bias", values({2}, 4));
        const ImportedNetwork imported = import(file, two);
        for (size_t l = 0; l < 2; ++l) {
            const FloatArray gamma = values({3}, 10 + 10 * l), var = positive({3}, 13 + 10 * l);
            const FloatArray weight = l == 0 ? values({3, 2, 3, 3}, 1) : values({3, 3, 3, 3}, 2);
            EXPECT_FLOAT_EQ(imported.network.layers[l].weight.data[0],
                            static_cast<float>(weight.data[0] * (gamma.data[0] / std::sqrt(var.data[0] + 1e-5))))
                << one.norms[l];
        }
    }
    EXPECT_EQ(refusal(sequential("encoder", "scale", "head"), text), "") << "one layer alone has these channels";
    TestFile words = sequential("encoder", "scale", "head");
    words.add("middle.weight", values({3, 3, 3, 3}, 5));
    words.add("middle.bias", values({3}, 6));
    EXPECT_THAT(refusal(words, two), AllOf(HasSubstr("scale and encoder"), HasSubstr("in no order")));
    words.modules = {"", "encoder", "scale", "lif", "middle", "head"};
    EXPECT_EQ(refusal(words, two), "");
    words.modules = {"", "encoder", "middle", "head", "scale"};
    EXPECT_THAT(refusal(words, two), AllOf(HasSubstr("scale may belong to encoder and to middle")));
}

/// conv, pool, norm and conv, norm, pool have the same names; they compute the same where no factor is negative.
TEST_F(BatchNorm, WithNegativeFactorsBesideAPoolOfCurrentsMustBeTold) {
    const std::string pools = "3C3-MP2-LIF-2F";
    const auto file = [](float factor, const std::string& conv, const std::string& norm, const std::string& full) {
        TestFile made;
        made.add(conv + ".weight", values({3, 2, 3, 3}, 1));
        made.add(norm + ".weight", FloatArray({3}, {1, factor, 2}));
        for (const char* leaf : {"bias", "running_mean"}) made.add(norm + "." + leaf, values({3}, 2));
        made.add(norm + ".running_var", positive({3}, 3));
        made.add(full + ".weight", values({2, 27}, 4));
        made.add(full + ".bias", values({2}, 5));
        return made;
    };
    EXPECT_THAT(refusal(file(-1, "conv1", "bn1", "fc"), pools),
                AllOf(HasSubstr("bn1"), HasSubstr("negative"), HasSubstr("conv1")));
    EXPECT_EQ(refusal(file(-1, "conv1", "bn1", "fc"), pools, {.layers = {{"conv1.norm", "bn1"}}}), "") << "as told";
    EXPECT_EQ(refusal(file(-1, "0", "1", "5"), pools), "") << "nothing stands between";
    EXPECT_EQ(refusal(file(1, "conv1", "bn1", "fc"), pools), "");
}

TEST_F(BatchNorm, ThatMayBelongElsewhereIsRefusedWithBothNames) {
    TestFile before = sequential("conv1", "bn1", "fc");
    before.modules = {"", "bn1", "conv1", "fc"};
    EXPECT_THAT(refusal(before, text), AllOf(HasSubstr("bn1"), HasSubstr("conv1"), HasSubstr("defines it before")));
    EXPECT_THAT(refusal(sequential("0", "2"), text),
                AllOf(HasSubstr("normalisation 2"), HasSubstr("follow 0"), HasSubstr("pool")));
    EXPECT_EQ(refusal(sequential("0", "2"), text, {.layers = {{"conv1.norm", "2"}}}), "") << "as told";
    TestFile neuron = sequential("0", "2");
    neuron.add("1.threshold", FloatArray(Shape{}, {1}));
    EXPECT_THAT(refusal(neuron, text), AllOf(HasSubstr("behind 1"), HasSubstr("not directly behind 0")));
    for (const std::string norm : {"bn1", "scale"}) {  // by its name, and by the model's definition alone
        TestFile spikes = sequential("conv1", norm, "fc");
        spikes.add("lif1.threshold", FloatArray(Shape{}, {1}));
        spikes.modules = {"", "conv1", "lif1", norm, "fc"};
        EXPECT_THAT(refusal(spikes, text), AllOf(HasSubstr("behind lif1"), HasSubstr("not directly behind conv1")));
        EXPECT_EQ(refusal(spikes, text, {.layers = {{"conv1.norm", norm}}}), "") << "as told";
        spikes.modules = {"", "conv1", norm, "lif1", "fc"};
        EXPECT_EQ(refusal(spikes, text), "");
    }
    TestFile twice = sequential();
    add_norm(twice, "2", 3, 20);
    EXPECT_THAT(refusal(twice, text), AllOf(HasSubstr("normalisation 2"), HasSubstr("1")));
    EXPECT_THAT(refusal(sequential(), "3C3b0-LIF-2F"), AllOf(HasSubstr("conv1"), HasSubstr("drop its b0")));
    EXPECT_THAT(refusal(sequential(), text, {.layers = {{"conv1.norm", "7"}}}),
                HasSubstr("no batch normalisation '7'"));
    EXPECT_THAT(refusal(sequential(), text, {.layers = {{"conv7.norm", "1"}}}), HasSubstr("no layer 'conv7'"));
}

TEST_F(BatchNorm, ThatIsNoneIsRefused) {
    TestFile half = sequential();
    half.tensors.erase(half.tensors.begin() + 4);
    EXPECT_THAT(refusal(half, text), AllOf(HasSubstr("normalisation 1"), HasSubstr("no running_var")));
    TestFile negative = sequential();
    negative.storages[4] = float_storage({1, -2, 1});
    EXPECT_THAT(refusal(negative, text), AllOf(HasSubstr("normalisation 1"), HasSubstr("variance -2")));
    TestFile broken = sequential();
    broken.storages[1] = float_storage({1, NAN, 1});
    EXPECT_THAT(refusal(broken, text), AllOf(HasSubstr("normalisation 1"), HasSubstr("not finite")));
    TestFile short_one = sequential();
    short_one.tensors[1].shape = {2};
    EXPECT_THAT(refusal(short_one, text), AllOf(HasSubstr("normalisation 1"), HasSubstr("weight [2]")));
    TestFile none = sequential();
    for (int i = 0; i < 5; ++i) none.tensors.erase(none.tensors.begin() + 1);
    none.add("0.bias", values({3}, 4));
    EXPECT_EQ(refusal(none, text), "");
    EXPECT_THAT(refusal(none, text, {.layers = {}, .bn_eps = 1e-3}), HasSubstr("no batch normalisation"));
}

/// Before all weights it normalises the input: W(s·x + t) + b = (W s) x + (b + W t), but not where zeros are padded.
TEST_F(BatchNorm, OfTheInputGoesIntoTheFirstLayer) {
    const auto file_of = [](int64_t inputs) {
        TestFile file;
        add_norm(file, "0", 2, 10);
        file.add("1.weight", values({3, 2, 3, 3}, 1));
        file.add("1.bias", values({3}, 4));
        file.add("4.weight", values({2, inputs}, 2));
        file.add("4.bias", values({2}, 3));
        return file;
    };
    const TestFile file = file_of(48);
    const Layer layer = import(file, "3C3p0-LIF-2F").network.layers[0];
    const FloatArray weight = values({3, 2, 3, 3}, 1), bias = values({3}, 4);
    double sum = bias.data[1];
    for (size_t c = 0; c < 2; ++c) {
        const double scale = values({2}, 10).data[c] / std::sqrt(positive({2}, 13).data[c] + 1e-5);
        const double shift = values({2}, 11).data[c] - values({2}, 12).data[c] * scale;
        for (size_t i = 0; i < 9; ++i) {
            sum += weight.data[18 + 9 * c + i] * shift;
            EXPECT_FLOAT_EQ(layer.weight.data[18 + 9 * c + i], static_cast<float>(weight.data[18 + 9 * c + i] * scale));
        }
    }
    EXPECT_FLOAT_EQ(layer.bias.data[1], static_cast<float>(sum));
    EXPECT_THAT(refusal(file_of(108), text),
                AllOf(HasSubstr("normalisation 0"), HasSubstr("conv1"), HasSubstr("pads its input")));
    TestFile centred = file_of(108);  // no shift: nothing changes at the border
    centred.storages[1] = centred.storages[2] = float_storage({0, 0});
    EXPECT_EQ(refusal(centred, text), "");
}

}  // namespace
}  // namespace spikelens

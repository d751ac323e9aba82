#include <cmath>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "small_weights.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

constexpr size_t kSteps = 4, kChannels = 3;

/// Normalisations of each of 4 steps behind Conv2d(2, 3, 3, bias=False), then Linear(108, 2).
class StepNorms : public WeightFile {
  protected:
    static void add_conv(TestFile& file, const std::string& stem) {
        file.add(stem + ".weight", values({3, 2, 3, 3}, 1));
    }
    static void add_full(TestFile& file, const std::string& stem) {
        file.add(stem + ".weight", values({2, 108}, 2));
        file.add(stem + ".bias", values({2}, 3));
    }
    /// Factors without terms, as BatchNormTT and BatchNormThroughTime have them.
    static void add_steps(TestFile& file, const std::string& list, size_t steps = kSteps, bool affine = true) {
        for (size_t t = 0; t < steps; ++t) {
            const std::string stem = list + "." + std::to_string(t);
            if (affine) file.add(stem + ".weight", values({3}, 10 + t));
            file.add(stem + ".running_mean", values({3}, 20 + t));
            file.add(stem + ".running_var", positive({3}, 30 + t));
            file.add_integers(stem + ".num_batches_tracked", {}, {5});
        }
    }
    static TestFile steps_file(const std::string& conv, const std::string& list, const std::string& full,
                               bool affine = true) {
        TestFile file;
        add_conv(file, conv);
        add_steps(file, list, kSteps, affine);
        add_full(file, full);
        return file;
    }
    static TestFile scaled_file(const Shape& scale = {4}) {
        TestFile file;
        add_conv(file, "conv1");
        add_norm(file, "bn1", 3, 10);
        file.add("bn1.scale", values(scale, 40));
        add_full(file, "fc2");
        return file;
    }
    /// y = factor · x + term, of each step and channel.
    using Line = std::function<std::pair<double, double>(size_t step, size_t channel)>;
    static void expect_lines(const Network& network, const Line& line) {
        EXPECT_EQ(network.layers[0].weight, values({3, 2, 3, 3}, 1));
        const Layer& norm = network.layers[1];
        ASSERT_EQ(norm.weight.shape, (Shape{4, 3}));
        for (size_t t = 0; t < kSteps; ++t)
            for (size_t c = 0; c < kChannels; ++c) {
                const auto [factor, term] = line(t, c);
                EXPECT_EQ(norm.weight.data[t * kChannels + c], static_cast<float>(factor));
                EXPECT_EQ(norm.bias.data[t * kChannels + c], static_cast<float>(term));
            }
    }
    const std::string text = "3C3b0-BN4-LIF-2F";
};

TEST_F(StepNorms, OfAListAreThoseOfTheirSteps) {
    for (const bool affine : {true, false})
        for (const TestFile& file : {steps_file("conv1", "bn1", "fc2", affine), steps_file("0", "1", "4", affine),
                                     steps_file("conv1", "bn1.bn_list", "fc2", affine),
                                     steps_file("block.conv", "block.bn.bn_list", "head", affine)}) {
            const ImportedNetwork imported = import(file, text, {.layers = {}, .bn_eps = 0.5});
            expect_lines(imported.network, [&](size_t t, size_t c) {
                const double gamma = affine ? values({3}, 10 + t).data[c] : 1;
                const double factor = gamma / std::sqrt(positive({3}, 30 + t).data[c] + 0.5);
                return std::pair(factor, 0 - values({3}, 20 + t).data[c] * factor);
            });
            EXPECT_THAT(imported.assumptions, Contains(AllOf(HasSubstr(" as norm2"), HasSubstr("ε = 0.5"))));
            EXPECT_EQ(imported.tensors[1].to, affine ? "norm2.weight" : "norm2.bias");
            EXPECT_THAT(imported.tensors[1].note, HasSubstr("a batch normalisation's"));
            EXPECT_EQ(imported.network.layers[2].weight, values({2, 108}, 2));
        }
}

TEST_F(StepNorms, OfOneNormalisationAndAScaleAreItsTimesTheScale) {
    for (const Shape& shape : {Shape{4}, Shape{4, 1, 1, 1, 1}})
        expect_lines(import(scaled_file(shape), text).network, [&](size_t t, size_t c) {
            const double scale = values({4}, 40).data[t];
            const double factor = values({3}, 10).data[c] / std::sqrt(positive({3}, 13).data[c] + 1e-5) * scale;
            return std::pair(factor, values({3}, 11).data[c] * scale - values({3}, 12).data[c] * factor);
        });
}

/// Only a list of one width, of nothing else, is one of steps; others are normalisations of their own layers.
TEST_F(StepNorms, ListsOfOtherThingsStayWhatTheyAre) {
    TestFile file;
    file.add("layers.0.weight", values({3, 2, 3, 3}, 1));
    add_norm(file, "layers.1", 3, 10);
    file.add("layers.2.weight", values({3, 3, 3, 3}, 2));
    add_norm(file, "layers.3", 3, 20);
    file.add("fc.weight", values({2, 108}, 3));
    file.add("fc.bias", values({2}, 4));
    EXPECT_EQ(refusal(file, "3C3-LIF-3C3-LIF-2F"), "");
    TestFile lists;
    lists.add("conv1.weight", values({3, 2, 3, 3}, 1));
    lists.add("conv2.weight", values({3, 3, 3, 3}, 2));
    add_norm(lists, "bns.0", 3, 10);
    add_norm(lists, "bns.1", 3, 20);
    lists.add("fc.weight", values({2, 108}, 3));
    lists.add("fc.bias", values({2}, 4));
    EXPECT_EQ(refusal(lists, "3C3-LIF-3C3-LIF-2F", {.layers = {{"conv1.norm", "bns.0"}, {"conv2.norm", "bns.1"}}}), "");
}

TEST_F(StepNorms, TheNetworkTextMustHaveThem) {
    const TestFile file = steps_file("conv1", "bn1", "fc2");
    EXPECT_THAT(refusal(file, "3C3-LIF-2F"),
                AllOf(HasSubstr("normalisation bn1 differs between 4 steps"), HasSubstr("expected BN4 behind conv1")));
    EXPECT_THAT(refusal(steps_file("conv1", "bn1.bn_list", "fc2", false), "3C3-LIF-2F"),
                HasSubstr("expected BN4 behind conv1"));
    EXPECT_THAT(refusal(scaled_file(), "3C3-LIF-2F"), HasSubstr("expected BN4 behind conv1"));
    EXPECT_THAT(refusal(scaled_file({3}), text),
                HasSubstr("differs between 3 steps, but the network text gives norm2 BN4"));
    EXPECT_THAT(refusal(file, "3C3-BN4-LIF-2F"), HasSubstr("no tensor for conv1.bias"));
    TestFile plain;
    add_conv(plain, "conv1");
    add_norm(plain, "bn1", 3, 10);
    add_full(plain, "fc2");
    EXPECT_THAT(refusal(plain, "3C3-BN4-LIF-2F"),
                HasSubstr("no batch normalisation that differs between steps for norm2 (BN4)"));
    TestFile before;
    add_steps(before, "bn0");
    add_conv(before, "conv1");
    add_full(before, "fc2");
    EXPECT_NE(refusal(before, text), "");
    TestFile broken = steps_file("conv1", "bn1", "fc2");
    broken.storages[3] = float_storage({1, -2, 1});
    EXPECT_THAT(refusal(broken, text), AllOf(HasSubstr("normalisation bn1"), HasSubstr("variance -2")));
}

TEST_F(StepNorms, ModelsWithThemComeBack) {
    const Network network = import(steps_file("conv1", "bn1", "fc2"), text).network;
    const std::filesystem::path model = folder / "model.safetensors";
    save_model(network, model);
    const Network back = load_model(model);
    EXPECT_EQ(model_fingerprint(back), model_fingerprint(network));
    EXPECT_EQ(network_text(back), text);
    EXPECT_EQ(back.layers[1].weight, network.layers[1].weight);
    EXPECT_EQ(back.layers[1].bias, network.layers[1].bias);
    EXPECT_EQ(back.layers[1].steps, 4);
    // As a file of weights, by its own names; with all of them.
    EXPECT_EQ(model_fingerprint(import_weights(model, parse_network(text, input, 4)).network),
              model_fingerprint(network));
    Safetensors less = read_safetensors(model);
    less.tensors.erase("norm2.bias");
    write_safetensors(model, less);
    EXPECT_THAT(input_error([&] { import_weights(model, parse_network(text, input, 4)); }),
                HasSubstr("no tensor for norm2.bias, [4, 3]"));
    Network other = network;
    other.layers[1].bias.data[5] += 1;
    EXPECT_NE(model_fingerprint(other), model_fingerprint(network));
}

}  // namespace
}  // namespace spikelens

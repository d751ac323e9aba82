#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_io/nir_import.h"
#include "nir_chain.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr double dt = 1.0 / 1024;  // a power of two, as everything below: all arithmetic is exact

NirOptions euler() {
    NirOptions options;
    options.dialect = "exact";
    options.dt = dt;
    options.steps = 4;
    return options;
}

ImportedNetwork import(const NirValues& values, const NirOptions& options = euler()) {
    return import_nir_values(values, options, "f.nir");
}

std::string error_of(NirChain chain, const NirOptions& options = euler()) {
    return input_error([&] { import(chain.values(), options); });
}

NirValue pair(int number) { return NirChain::whole({number, number}); }

/// Input [2, 8, 8], one convolution and one IF.
NirChain conv_chain() {
    return NirChain({2, 8, 8})
        .add("conv", "Conv2d",
             {{"weight", NirChain::ramp({4, 2, 3, 3})},
              {"bias", NirChain::ramp({4})},
              {"stride", pair(1)},
              {"padding", pair(1)},
              {"dilation", pair(1)},
              {"groups", NirChain::scalar(1)},
              {"input_shape", pair(8)}})
        .add("if", "IF", {{"r", NirChain::all({4, 8, 8}, 1024)}, {"v_threshold", NirChain::all({4, 8, 8}, 1)}});
}

NirChain with_end(NirChain chain, int64_t inputs = 256) {
    return chain.add("flat", "Flatten", {{"start_dim", NirChain::scalar(0)}, {"end_dim", NirChain::scalar(-1)}})
        .add("end", "Affine", {{"weight", NirChain::ramp({3, inputs})}, {"bias", NirChain::ramp({3})}});
}

TEST(NirLayers, AConvolutionalNetworkIsReadWhole) {
    const ImportedNetwork imported = import(with_end(conv_chain()).values());
    EXPECT_EQ(network_text(imported.network), "4C3-IF(reset=zero)-3F");
    EXPECT_EQ(imported.network.input_shape(), (Shape{2, 8, 8}));
    EXPECT_EQ(imported.network.steps, 4);
    EXPECT_EQ(imported.format, "nir");
    const Layer& conv = imported.network.layers[0];
    const NirValue weight = NirChain::ramp({4, 2, 3, 3}), bias = NirChain::ramp({4});
    EXPECT_EQ(conv.weight, FloatArray({4, 2, 3, 3}, {weight.numbers.begin(), weight.numbers.end()}));
    EXPECT_EQ(conv.bias, FloatArray({4}, {bias.numbers.begin(), bias.numbers.end()}));
    std::map<std::string, std::string> to;
    for (const ImportedTensor& tensor : imported.tensors) to[tensor.from] = tensor.to;
    EXPECT_EQ(to, (std::map<std::string, std::string>{{"conv/weight", "conv1.weight"},
                                                      {"conv/bias", "conv1.bias"},
                                                      {"if/r", ""},
                                                      {"if/v_threshold", ""},
                                                      {"end/weight", "full2.weight"},
                                                      {"end/bias", "full2.bias"}}));
}

TEST(NirLayers, FormsThatOldAndNewFilesHave) {
    const auto text = [](NirChain chain) { return network_text(import(with_end(std::move(chain)).values()).network); };
    const std::string usual = "4C3-IF(reset=zero)-3F";
    EXPECT_EQ(text(conv_chain().set("conv", "stride", NirChain::scalar(1)).set("conv", "padding", NirChain::scalar(1))),
              usual);
    EXPECT_EQ(text(conv_chain().set("conv", "padding", nir_text("same"))), usual);
    EXPECT_EQ(text(conv_chain().drop("conv", "input_shape").drop("conv", "dilation").drop("conv", "groups")), usual);
    EXPECT_EQ(text(conv_chain().set("if", "r", NirChain::scalar(1024)).set("if", "v_threshold", NirChain::list({1}))),
              usual);
    EXPECT_EQ(text(conv_chain().set("if", "v_threshold", NirChain::all({4, 1, 1}, 1))), usual);
    EXPECT_EQ(text(conv_chain().set("if", "v_reset", NirChain::scalar(0.25))), "4C3-IF(reset=zero,v_reset=0.25)-3F");
    EXPECT_EQ(network_text(import(with_end(conv_chain()
                                               .set("conv", "padding", nir_text("valid"))
                                               .set("if", "r", NirChain::scalar(1024))
                                               .set("if", "v_threshold", NirChain::scalar(1)),
                                           144)
                                      .values())
                               .network),
              "4C3p0-IF(reset=zero)-3F");
}

TEST(NirLayers, InputsOfOtherShapes) {
    const auto full = [](Shape input) {
        return NirChain(std::move(input)).add("a", "Linear", {{"weight", NirChain::ramp({2, 12})}});
    };
    EXPECT_EQ(import(full({12}).values()).network.input_shape(), (Shape{12, 1, 1}));
    EXPECT_EQ(import(full({12, 1, 1}).values()).network.input_shape(), (Shape{12, 1, 1}));
    EXPECT_EQ(import(full({1, 12}).values()).network.input_shape(), (Shape{12, 1, 1}));
    EXPECT_EQ(import(full({1, 1, 12}).values()).network.input_shape(), (Shape{1, 1, 12}));
    EXPECT_THAT(error_of(full({1, 3, 4})),
                HasSubstr("the node 'a' (Linear) reads a map [1, 3, 4], expected a Flatten"));
    EXPECT_THAT(error_of(full({0})), HasSubstr("cannot be used"));
    EXPECT_THAT(error_of(full({1 << 20, 1 << 20})), HasSubstr("cannot be used"));
    NirOptions options = euler();
    options.input = Shape{3, 2, 2};
    EXPECT_EQ(import(full({12}).values(), options).network.input_shape(), (Shape{3, 2, 2}));
    EXPECT_EQ(import(full({12}).drop("input", "shape").add("b", "Flatten").values(),
                     [&] {
                         NirOptions other = euler();
                         other.input = Shape{12, 1, 1};
                         return other;
                     }())
                  .network.input_shape(),
              (Shape{12, 1, 1}));
    EXPECT_THAT(error_of(full({12}).drop("input", "shape")), HasSubstr("does not say its shape"));
    options.input = Shape{5, 2, 2};
    EXPECT_THAT(error_of(full({12}), options), HasSubstr("but [5, 2, 2] was given"));
    const ImportedNetwork batch =
        import(with_end(conv_chain().set("input", "shape", NirChain::whole({1, 2, 8, 8}))).values());
    EXPECT_EQ(batch.network.input_shape(), (Shape{2, 8, 8}));
    EXPECT_THAT(batch.assumptions, testing::Contains(HasSubstr("batch")));
}

TEST(NirLayers, FlattenThatCountsTheBatchIsSaid) {
    NirChain chain = with_end(conv_chain());
    chain.set("flat", "start_dim", NirChain::scalar(1));
    EXPECT_THAT(import(chain.values()).assumptions,
                testing::Contains(HasSubstr("'flat' was taken to count a batch axis")));
    chain.set("flat", "start_dim", NirChain::scalar(2));
    EXPECT_THAT(error_of(chain), HasSubstr("the node 'flat' (Flatten) flattens axes 2 to -1"));
}

TEST(NirLayers, WhatNoLayerCanBeIsNamed) {
    const auto conv = [](const std::string& parameter, const NirValue& value) {
        return error_of(conv_chain().set("conv", parameter, value));
    };
    EXPECT_THAT(conv("groups", NirChain::scalar(2)), HasSubstr("the node 'conv' (Conv2d) has weights for 4 channels"));
    EXPECT_THAT(conv("groups", NirChain::scalar(3)), HasSubstr("has 3 groups, expected a divisor of its 4 outputs"));
    EXPECT_THAT(conv("groups", NirChain::scalar(0.5)), HasSubstr("has 0.5 groups"));
    EXPECT_THAT(conv("dilation", pair(0)), HasSubstr("dilation of 0"));
    EXPECT_THAT(conv("stride", pair(0)), HasSubstr("stride of 0"));
    EXPECT_THAT(conv("stride", NirChain::scalar(1.5)), HasSubstr("stride of 1.5"));
    EXPECT_THAT(conv("padding", pair(3)), HasSubstr("padding of 3"));
    EXPECT_THAT(conv("padding", nir_text("reflect")), HasSubstr("the padding 'reflect'"));
    EXPECT_THAT(conv("input_shape", pair(9)), HasSubstr("expects an input of 9 by 9"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 3, 3, 3})), HasSubstr("weights for 3 channels"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 2, 3})), HasSubstr("expected four axes"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 2, 11, 11})), HasSubstr("do not fit into [2, 8, 8]"));
    EXPECT_THAT(conv("weight", NirChain::ramp({0, 2, 3, 3})), HasSubstr("[0, 2, 3, 3]"));
    EXPECT_THAT(conv("bias", NirChain::ramp({5})), HasSubstr("a bias of shape [5] for 4 outputs"));
    EXPECT_THAT(conv("bias", nir_text("none")), HasSubstr("'bias' that is not numbers"));
    EXPECT_THAT(conv("weight", NirChain::all({4, 2, 3, 3}, NAN)), HasSubstr("'weight' that is not finite"));
    EXPECT_THAT(error_of(with_end(conv_chain().set("conv", "weight", NirChain::all({4, 2, 3, 3}, 1e300)))),
                HasSubstr("the weights of 'conv' are too large for float32 in layer conv1"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 2, 3, 2})), HasSubstr("for a signal of shape [4, 8, 9]"));
    EXPECT_THAT(error_of(conv_chain().set("conv", "padding", nir_text("same")).set("conv", "stride", pair(2))),
                HasSubstr("the padding 'same' with a stride"));
    EXPECT_THAT(
        error_of(
            conv_chain().set("conv", "padding", nir_text("same")).set("conv", "weight", NirChain::ramp({4, 2, 2, 2}))),
        HasSubstr("a kernel that has no middle"));
    EXPECT_THAT(error_of(conv_chain().drop("conv", "bias")), HasSubstr("the node 'conv' (Conv2d) has no 'bias'"));
    EXPECT_THAT(error_of(conv_chain().add("odd", "Delay", {{"delay", NirChain::scalar(1)}})),
                HasSubstr("the node 'odd' (Delay) delays its input"));
    EXPECT_THAT(error_of(conv_chain().add("odd", "I", {{"r", NirChain::scalar(1)}})),
                HasSubstr("the node 'odd' (I) integrates spikes"));
    EXPECT_THAT(error_of(conv_chain().add("odd", "Conv1d", {{"weight", NirChain::ramp({2, 4, 3})}})),
                HasSubstr("the node 'odd' (Conv1d) reads [4, 8, 8], expected [C, L]"));
    for (const char* type : {"NIRNode", "", "ResNet"})
        EXPECT_THAT(error_of(conv_chain().add("odd", type)),
                    HasSubstr("the node 'odd' (" + std::string(type) + ") is of a type"));
}

TEST(NirLayers, WhatIsInTheWrongPlaceIsNamed) {
    const auto affine = [](int64_t inputs) {
        return NirChain::Parameters{{"weight", NirChain::ramp({3, inputs})}, {"bias", NirChain::ramp({3})}};
    };
    EXPECT_THAT(error_of(with_end(conv_chain()).add("more", "Affine", affine(3))),
                HasSubstr("the node 'more' (Affine) follows the weights of 'end' without a neuron"));
    EXPECT_THAT(
        error_of(NirChain({3}).add("n", "IF", {{"r", NirChain::scalar(1)}, {"v_threshold", NirChain::scalar(1)}})),
        HasSubstr("the node 'n' (IF) has no weights before it"));
    EXPECT_THAT(error_of(NirChain({3})), HasSubstr("the graph has no weights"));
    EXPECT_THAT(error_of(conv_chain()), HasSubstr("must end in one number per class, but its output is [4, 8, 8]"));
    EXPECT_THAT(error_of(NirChain({3}).add("a", "Affine", affine(4))),
                HasSubstr("weights for 4 inputs, but reads [3]"));
    EXPECT_THAT(error_of(with_end(conv_chain())
                             .add("if2", "IF", {{"r", NirChain::scalar(1)}, {"v_threshold", NirChain::scalar(1)}})
                             .add("s", "Scale", {{"scale", NirChain::scalar(2)}})),
                HasSubstr("the node 's' (Scale) has no weights after it"));
    const NirChain::Parameters leak = {
        {"tau", NirChain::scalar(1)}, {"r", NirChain::scalar(1)}, {"v_leak", NirChain::scalar(0)}};
    EXPECT_THAT(error_of(with_end(conv_chain()).add("li", "LI", leak).add("a", "Affine", affine(3))),
                HasSubstr("the node 'a' (Affine) follows the readout 'li'"));
    EXPECT_THAT(error_of(with_end(conv_chain()).add("output", "Output", {{"shape", NirChain::whole({4})}})),
                HasSubstr("the node 'output' (Output) has 4 elements, but receives [3]"));
    EXPECT_THAT(error_of(with_end(conv_chain()).add("p", "SumPool2d", {{"kernel_size", pair(2)}, {"stride", pair(2)}})),
                HasSubstr("the node 'p' (SumPool2d) reads a flat signal"));
    EXPECT_THAT(error_of(conv_chain().add("p", "SumPool2d", {{"kernel_size", pair(9)}, {"stride", pair(2)}})),
                HasSubstr("a window of 9 by 9 that does not fit"));
    EXPECT_THAT(error_of(conv_chain().add("p", "AvgPool2d",
                                          {{"kernel_size", pair(2)}, {"stride", pair(2)}, {"padding", pair(2)}})),
                HasSubstr("the node 'p' (AvgPool2d) pads by more than half its window"));
}

TEST(NirLayers, ParametersThatDifferAreValues) {
    const auto of = [](const NirChain& chain) { return import(with_end(chain).values()).network.layers[0]; };
    NirValue threshold = NirChain::all({4, 1, 1}, 1);
    threshold.numbers[2] = 4;
    const Layer by_channel = of(conv_chain().set("if", "v_threshold", threshold));
    EXPECT_EQ(neuron_text(*by_channel.neuron, by_channel.values), "IF(threshold=*,reset=zero)");
    EXPECT_EQ(by_channel.values[0].values, FloatArray({4}, {1, 1, 4, 1}));
    EXPECT_EQ(of(conv_chain().set("if", "v_threshold", NirChain::list({1, 1, 4, 1}))).values, by_channel.values);
    NirChain square = conv_chain();  // [4, 8, 4]: four channels, or four columns
    square.set("conv", "stride", NirChain::whole({1, 2})).set("if", "r", NirChain::list({1024, 1024, 1024, 1024}));
    EXPECT_THAT(
        error_of(square.set("if", "v_threshold", NirChain::list({1, 1, 4, 1}))),
        HasSubstr("'v_threshold' of shape [4] for a signal of shape [4, 8, 4]: whether it differs between the neurons "
                  "of a channel is not said"));
    NirValue one_off = NirChain::all({4, 8, 8}, 1024);
    one_off.numbers[70] = 512;
    const Layer by_neuron = of(conv_chain().set("if", "r", one_off).set("if", "v_reset", NirChain::scalar(-0.5)));
    EXPECT_EQ(neuron_text(*by_neuron.neuron, by_neuron.values), "IF(reset=zero,gain=**,v_reset=-0.5)");
    EXPECT_EQ(by_neuron.values[0].values.data[70], 0.5F);
    EXPECT_EQ(by_neuron.values[0].values.data[71], 1.0F);
    const ImportedNetwork imported = import(with_end(conv_chain().set("if", "v_threshold", threshold)).values());
    EXPECT_THAT(imported.assumptions, testing::Contains(HasSubstr("'if': beta = 1, gain = 1, threshold = 1 to 4")));
}

TEST(NirLayers, ParametersThatNoNeuronHasAreNamed) {
    const auto with = [&](const std::string& parameter, const NirValue& value) {
        return error_of(conv_chain().set("if", parameter, value));
    };
    EXPECT_THAT(with("v_threshold", NirChain::all({4, 8, 7}, 1)),
                HasSubstr("of shape [4, 8, 7] for a signal of shape [4, 8, 8]"));
    EXPECT_THAT(with("v_threshold", NirChain::scalar(0)), HasSubstr("v_threshold = 0, expected a value above 0"));
    EXPECT_THAT(with("r", NirChain::scalar(1e300)), HasSubstr("too large for float32"));
    EXPECT_THAT(error_of(conv_chain().drop("if", "r")), HasSubstr("the node 'if' (IF) has no 'r'"));
    // v_leak is a bias, of which a convolution has one for each channel.
    NirChain leaky = conv_chain();
    leaky.set("if", "type", nir_text("LIF")).set("if", "tau", NirChain::scalar(4 * dt));
    NirValue leak = NirChain::all({4, 8, 8}, 1);
    EXPECT_EQ(error_of(with_end(leaky.set("if", "v_leak", leak))), "");
    leak.numbers[3] = 2;
    EXPECT_THAT(error_of(leaky.set("if", "v_leak", leak)),
                HasSubstr("'v_leak' that is not 0 and not the same in each channel"));
}

TEST(NirLayers, ReadoutsAreSaid) {
    const ImportedNetwork plain = import(with_end(conv_chain()).values());
    EXPECT_THAT(plain.assumptions, testing::Contains(HasSubstr("summed over time without leak")));
    EXPECT_EQ(plain.network.layers.back().readout_beta, 1.0F);
    NirChain leaky = with_end(conv_chain());
    leaky.add("li", "LI",
              {{"tau", NirChain::scalar(4 * dt)}, {"r", NirChain::scalar(8)}, {"v_leak", NirChain::scalar(0)}});
    const ImportedNetwork imported = import(leaky.values());
    EXPECT_EQ(imported.network.layers.back().readout_beta, 0.75F);
    EXPECT_EQ(imported.network.layers.back().weight.data[0], 2 * plain.network.layers.back().weight.data[0]);
    NirChain synaptic = with_end(conv_chain());
    synaptic.add("cuba", "CubaLI",
                 {{"tau_mem", NirChain::scalar(4 * dt)},
                  {"tau_syn", NirChain::scalar(2 * dt)},
                  {"r", NirChain::scalar(8)},
                  {"v_leak", NirChain::scalar(0)}});
    const Layer kept = import(synaptic.values()).network.layers.back();
    EXPECT_EQ(kept.readout_beta, 0.75F);
    EXPECT_EQ(kept.readout_alpha, 0.5F);
    EXPECT_EQ(kept.weight.data[0], plain.network.layers.back().weight.data[0]);
    synaptic.set("cuba", "v_leak", NirChain::scalar(0.5));
    EXPECT_THAT(error_of(synaptic), HasSubstr("the node 'cuba' (CubaLI) has a 'v_leak' that is not 0"));
    synaptic.set("cuba", "tau_syn", NirChain::list({4 * dt, 4 * dt, 2 * dt}));
    EXPECT_THAT(error_of(synaptic), HasSubstr("the node 'cuba' (CubaLI) is a readout whose 'tau_syn' differs"));
    leaky.set("li", "tau", NirChain::list({4 * dt, 4 * dt, 2 * dt}));
    EXPECT_THAT(error_of(leaky), HasSubstr("the node 'li' (LI) is a readout whose 'tau' differs between outputs"));
    NirChain integrated = with_end(conv_chain());
    integrated.add("i", "I", {{"r", NirChain::scalar(1024)}});
    EXPECT_EQ(import(integrated.values()).network.layers.back().weight, plain.network.layers.back().weight);
}

TEST(NirLayers, StepsAreGivenOrSaid) {
    NirOptions options = euler();
    options.steps = 0;
    const ImportedNetwork imported = import(with_end(conv_chain()).values(), options);
    EXPECT_EQ(imported.network.steps, 100);
    EXPECT_THAT(imported.assumptions, testing::Contains(HasSubstr("T = 100")));
    options.steps = 70000;
    EXPECT_THAT(error_of(with_end(conv_chain()), options), HasSubstr("70000 steps"));
}

}  // namespace
}  // namespace spikelens

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "model_io/nir_graph.h"
#include "model_io/nir_import.h"
#include "nir_chain.h"
#include "nir_reference.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using nir_reference::Signal;
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

/// Draws chains of every kind of node that a network can be made of, with shapes that fit.
class RandomChain {
  public:
    explicit RandomChain(uint64_t round) : round_(round), shape_{between(1, 2), between(6, 9), between(6, 9)}, chain_(shape_) {
        before_weights();
        const int convolutions = between(0, 2), full = between(1, 2);
        for (int i = 0; i < convolutions; ++i) convolution();
        add("Flatten", {{"start_dim", NirChain::scalar(0)}, {"end_dim", NirChain::scalar(-1)}});
        shape_ = {element_count(shape_)};
        for (int i = 0; i < full; ++i) fully_connected(i + 1 == full);
    }
    NirValues values() { return chain_.values(); }

  private:
    int between(int low, int high) {
        return low + static_cast<int>(random_bits(round_, Stream::test, {drawn_++}) % static_cast<uint64_t>(high - low + 1));
    }
    void add(const std::string& type, const NirChain::Parameters& parameters) {
        chain_.add(std::to_string(count_++) + type, type, parameters);
    }
    NirValue eighths(Shape shape) {
        std::vector<double> numbers(element_count(shape));
        for (double& number : numbers) number = between(-8, 8) / 8.0;
        return nir_numbers(NirType::float32, std::move(shape), std::move(numbers));
    }
    /// One number, or one per output, in one of the forms that files have; powers of two.
    NirValue power(int low, int high, double unit = 1) {
        if (between(0, 2) == 0) return NirChain::scalar(std::ldexp(unit, between(low, high)));
        NirValue value = NirChain::all(shape_, std::ldexp(unit, between(low, high)));
        if (between(0, 1) == 0) return value;
        const int64_t each = element_count(shape_) / shape_[0];
        for (int64_t o = 0; o < shape_[0]; ++o) {
            const double number = std::ldexp(unit, between(low, high));
            for (int64_t i = 0; i < each; ++i) value.numbers[o * each + i] = number;
        }
        return value;
    }
    NirValue steps(int low, int high) { return NirChain::scalar(std::ldexp(dt, between(low, high))); }

    void pool() {
        const int size = between(1, 2), stride = between(1, 2);
        if (size > shape_[1] || size > shape_[2] || shape_[1] < 4 || shape_[2] < 4) return;
        add(between(0, 1) ? "SumPool2d" : "AvgPool2d", {{"kernel_size", NirChain::whole({size, size})},
                                                        {"stride", NirChain::scalar(stride)},
                                                        {"padding", NirChain::whole({0, 0})}});
        shape_ = {shape_[0], (shape_[1] - size) / stride + 1, (shape_[2] - size) / stride + 1};
    }
    void scale() { add("Scale", {{"scale", power(-1, 1)}}); }

    void before_weights() {
        if (between(0, 3) == 0) pool();
        if (between(0, 3) == 0) scale();
        if (between(0, 3) == 0) pool();
    }

    void convolution() {
        const int outputs = between(1, 3), kernel = between(1, 3), stride = between(1, 2);
        if (kernel > shape_[1] || kernel > shape_[2]) return;
        add("Conv2d", {{"weight", eighths({outputs, shape_[0], kernel, kernel})},
                       {"bias", eighths({outputs})},
                       {"stride", NirChain::whole({stride, stride})},
                       {"padding", NirChain::scalar(0)},
                       {"dilation", NirChain::scalar(1)},
                       {"groups", NirChain::scalar(1)}});
        shape_ = {outputs, (shape_[1] - kernel) / stride + 1, (shape_[2] - kernel) / stride + 1};
        if (between(0, 2) == 0) pool();
        if (between(0, 2) == 0) scale();
        neuron();
        if (between(0, 1) == 0) pool();
        before_weights();
    }

    void fully_connected(bool last) {
        const int outputs = between(1, 4);
        const NirValue weight = eighths({outputs, shape_[0]}), bias = eighths({outputs});
        shape_ = {outputs};
        if (between(0, 1) == 0)
            add("Affine", {{"weight", weight}, {"bias", bias}});
        else
            add("Linear", {{"weight", weight}});
        if (between(0, 3) == 0) scale();
        const int end = last ? between(0, 2) : 2;
        if (end == 1) add("LI", {{"tau", steps(1, 2)}, {"r", power(0, 1)}, {"v_leak", power(0, 1)}});
        if (end == 2) neuron();
    }

    void neuron() {
        const int kind = between(0, 3);
        if (kind == 0) add("Threshold", {{"threshold", power(-1, 1)}});
        if (kind == 1) add("IF", {{"r", power(-1, 1, 1 / dt)}, {"v_threshold", power(-1, 1)}});
        if (kind == 2)
            add("LIF", {{"tau", steps(0, 2)}, {"r", power(-1, 1)}, {"v_leak", power(-2, -1)}, {"v_threshold", power(-1, 1)}});
        if (kind == 3)
            add("CubaLIF", {{"tau_mem", steps(1, 2)},
                            {"tau_syn", steps(1, 2)},
                            {"r", power(0, 1)},
                            {"w_in", power(0, 1)},
                            {"v_leak", NirChain::scalar(0)},
                            {"v_threshold", power(-1, 1)},
                            {"v_reset", NirChain::scalar(0)}});
    }

    uint64_t round_, drawn_ = 0;
    int count_ = 0;
    Shape shape_;
    NirChain chain_;
};

TEST(NirLayers, NetworksDoWhatTheirGraphsDo) {
    int spikes = 0, readouts = 0;
    for (uint64_t round = 0; round < 400; ++round) {
        const NirValues values = RandomChain(round).values();
        const std::vector<NirNode> chain = nir_chain(build_nir_graph(values, "f"), "f");
        const Network network = import(values).network;
        nir_reference::Graph graph(chain, dt);
        nir_reference::Simulation simulation(network);
        readouts += !network.layers.back().neuron;
        // Weights without anything after them give currents: the network adds them up.
        const bool sums = !network.layers.back().neuron && chain[chain.size() - 2].type != "LI";
        std::vector<double> sum(network.class_count(), 0.0);
        for (uint64_t t = 0; t < 5; ++t) {
            Signal input{network.input_shape(), std::vector<double>(element_count(network.input_shape()))};
            for (size_t i = 0; i < input.values.size(); ++i)
                input.values[i] = static_cast<double>(random_bits(round, Stream::test, {99, t, i}) % 3);
            const std::vector<double> found = simulation.step(input).values;
            const std::vector<double> step = graph.step(input).values;
            for (size_t i = 0; i < sum.size(); ++i) sum[i] = step[i] + (sums ? sum[i] : 0.0);
            ASSERT_EQ(found, sum) << round << " " << network_text(network);
            for (double value : found) spikes += value != 0;
        }
    }
    EXPECT_GT(spikes, 1000);
    EXPECT_GT(readouts, 50);
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
    EXPECT_EQ(text(conv_chain().set("conv", "stride", NirChain::scalar(1)).set("conv", "padding", NirChain::scalar(1))), usual);
    EXPECT_EQ(text(conv_chain().set("conv", "padding", nir_text("same"))), usual);
    EXPECT_EQ(text(conv_chain().drop("conv", "input_shape").drop("conv", "dilation").drop("conv", "groups")), usual);
    EXPECT_EQ(text(conv_chain().set("if", "r", NirChain::scalar(1024)).set("if", "v_threshold", NirChain::list({1}))), usual);
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
    EXPECT_THAT(error_of(full({1, 3, 4})), HasSubstr("the node 'a' (Linear) reads a map [1, 3, 4], expected a Flatten"));
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
    const ImportedNetwork batch = import(with_end(conv_chain().set("input", "shape", NirChain::whole({1, 2, 8, 8}))).values());
    EXPECT_EQ(batch.network.input_shape(), (Shape{2, 8, 8}));
    EXPECT_THAT(batch.assumptions, testing::Contains(HasSubstr("batch")));
}

TEST(NirLayers, FlattenThatCountsTheBatchIsSaid) {
    NirChain chain = with_end(conv_chain());
    chain.set("flat", "start_dim", NirChain::scalar(1));
    EXPECT_THAT(import(chain.values()).assumptions, testing::Contains(HasSubstr("'flat' was taken to count a batch axis")));
    chain.set("flat", "start_dim", NirChain::scalar(2));
    EXPECT_THAT(error_of(chain), HasSubstr("the node 'flat' (Flatten) flattens axes 2 to -1"));
}

TEST(NirLayers, WhatNoLayerCanBeIsNamed) {
    const auto conv = [](const std::string& parameter, const NirValue& value) {
        return error_of(conv_chain().set("conv", parameter, value));
    };
    EXPECT_THAT(conv("groups", NirChain::scalar(2)), HasSubstr("the node 'conv' (Conv2d) has groups other than 1"));
    EXPECT_THAT(conv("dilation", pair(2)), HasSubstr("dilation other than 1"));
    EXPECT_THAT(conv("stride", NirChain::whole({1, 2})), HasSubstr("stride of 1 by 2"));
    EXPECT_THAT(conv("stride", pair(0)), HasSubstr("stride of 0"));
    EXPECT_THAT(conv("stride", NirChain::scalar(1.5)), HasSubstr("stride of 1.5"));
    EXPECT_THAT(conv("padding", pair(3)), HasSubstr("padding of 3"));
    EXPECT_THAT(conv("padding", nir_text("reflect")), HasSubstr("the padding 'reflect'"));
    EXPECT_THAT(conv("input_shape", pair(9)), HasSubstr("expects an input of 9 by 9"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 2, 3, 5})), HasSubstr("kernels of 3 by 5"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 3, 3, 3})), HasSubstr("weights for 3 channels"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 2, 3})), HasSubstr("expected four axes"));
    EXPECT_THAT(conv("weight", NirChain::ramp({4, 2, 11, 11})), HasSubstr("do not fit into [2, 8, 8]"));
    EXPECT_THAT(conv("weight", NirChain::ramp({0, 2, 3, 3})), HasSubstr("[0, 2, 3, 3]"));
    EXPECT_THAT(conv("bias", NirChain::ramp({5})), HasSubstr("a bias of shape [5] for 4 outputs"));
    EXPECT_THAT(conv("bias", nir_text("none")), HasSubstr("'bias' that is not numbers"));
    EXPECT_THAT(conv("weight", NirChain::all({4, 2, 3, 3}, NAN)), HasSubstr("'weight' that is not finite"));
    EXPECT_THAT(conv("weight", NirChain::all({4, 2, 3, 3}, 1e300)), HasSubstr("too large for float32"));
    EXPECT_THAT(error_of(conv_chain().drop("conv", "bias")), HasSubstr("the node 'conv' (Conv2d) has no 'bias'"));
    for (const char* type : {"Conv1d", "Delay", "I", "NIRNode", ""})
        EXPECT_THAT(error_of(conv_chain().add("odd", type)),
                    HasSubstr("the node 'odd' (" + std::string(type) + ") is of a type"));
}

TEST(NirLayers, WhatIsInTheWrongPlaceIsNamed) {
    const auto affine = [](int64_t inputs) {
        return NirChain::Parameters{{"weight", NirChain::ramp({3, inputs})}, {"bias", NirChain::ramp({3})}};
    };
    EXPECT_THAT(error_of(with_end(conv_chain()).add("more", "Affine", affine(3))),
                HasSubstr("the node 'more' (Affine) follows the weights of 'end' without a neuron"));
    EXPECT_THAT(error_of(NirChain({3}).add("n", "IF", {{"r", NirChain::scalar(1)}, {"v_threshold", NirChain::scalar(1)}})),
                HasSubstr("the node 'n' (IF) has no weights before it"));
    EXPECT_THAT(error_of(NirChain({3})), HasSubstr("the graph has no weights"));
    EXPECT_THAT(error_of(conv_chain()), HasSubstr("must end in one number per class, but its output is [4, 8, 8]"));
    EXPECT_THAT(error_of(NirChain({3}).add("a", "Affine", affine(4))), HasSubstr("weights for 4 inputs, but reads [3]"));
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
                HasSubstr("a window of 9 that does not fit"));
    EXPECT_THAT(
        error_of(conv_chain().add("p", "AvgPool2d", {{"kernel_size", pair(2)}, {"stride", pair(2)}, {"padding", pair(1)}})),
        HasSubstr("the node 'p' (AvgPool2d) pads"));
}

TEST(NirLayers, ParametersThatDifferWhereTheyMust) {
    NirValue one_off = NirChain::all({4, 8, 8}, 1);
    one_off.numbers[70] = 2;
    const auto with = [&](const std::string& parameter, const NirValue& value) {
        return error_of(conv_chain().set("if", parameter, value));
    };
    EXPECT_THAT(with("v_threshold", one_off), AllOf(HasSubstr("the node 'if' (IF)"),
                                                    HasSubstr("'v_threshold' that differs between the neurons of output 1")));
    EXPECT_THAT(with("r", one_off), HasSubstr("'r' that differs between the neurons of output 1"));
    EXPECT_THAT(with("v_reset", NirChain::list({0, 1, 0, 0, 0, 0, 0, 0})), HasSubstr("'v_reset' that differs"));
    EXPECT_THAT(with("v_threshold", NirChain::all({4, 8, 7}, 1)),
                HasSubstr("of shape [4, 8, 7] for a signal of shape [4, 8, 8]"));
    EXPECT_THAT(with("v_threshold", NirChain::scalar(0)), HasSubstr("v_threshold = 0, expected a value above 0"));
    EXPECT_THAT(error_of(conv_chain().drop("if", "r")), HasSubstr("the node 'if' (IF) has no 'r'"));
    // Thresholds that differ per channel: the reset must scale with them.
    NirValue threshold = NirChain::all({4, 1, 1}, 1), reset = NirChain::all({4, 1, 1}, 0.5);
    threshold.numbers[2] = 4;
    EXPECT_THAT(error_of(conv_chain().set("if", "v_threshold", threshold).set("if", "v_reset", reset)),
                HasSubstr("'v_reset' that does not differ with it"));
    reset.numbers[2] = 2;
    const Network network =
        import(with_end(conv_chain().set("if", "v_threshold", threshold).set("if", "v_reset", reset)).values()).network;
    EXPECT_EQ(network_text(network), "4C3-IF(reset=zero,v_reset=0.5)-3F");
    EXPECT_EQ(network.layers[0].bias.data[2], static_cast<float>(NirChain::ramp({4}).numbers[2] / 4));
}

TEST(NirLayers, ReadoutsAreSaid) {
    const ImportedNetwork plain = import(with_end(conv_chain()).values());
    EXPECT_THAT(plain.assumptions, testing::Contains(HasSubstr("summed over time without leak")));
    EXPECT_EQ(plain.network.layers.back().readout_beta, 1.0F);
    NirChain leaky = with_end(conv_chain());
    leaky.add("li", "LI", {{"tau", NirChain::scalar(4 * dt)}, {"r", NirChain::scalar(8)}, {"v_leak", NirChain::scalar(0)}});
    const ImportedNetwork imported = import(leaky.values());
    EXPECT_EQ(imported.network.layers.back().readout_beta, 0.75F);
    EXPECT_EQ(imported.network.layers.back().weight.data[0], 2 * plain.network.layers.back().weight.data[0]);
    NirChain synaptic = with_end(conv_chain());
    synaptic.add("cuba", "CubaLI",
                 {{"tau_mem", NirChain::scalar(4 * dt)},
                  {"tau_syn", NirChain::scalar(4 * dt)},
                  {"r", NirChain::scalar(8)},
                  {"v_leak", NirChain::scalar(0)}});
    EXPECT_THAT(error_of(synaptic), HasSubstr("the node 'cuba' (CubaLI) is a readout with a synaptic current"));
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

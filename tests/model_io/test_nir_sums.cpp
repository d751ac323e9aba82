#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model_io/nir_import.h"
#include "nir_chain.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr double dt = 1.0 / 1024;

ImportedNetwork import(NirChain chain) {
    NirOptions options;
    options.dialect = "exact";
    options.dt = dt;
    options.steps = 4;
    return import_nir_values(chain.values(), options, "f.nir");
}
std::string text_of(const NirChain& chain) { return network_text(import(chain).network); }
std::string error_of(const NirChain& chain) {
    return input_error([&] { import(chain); });
}

NirChain::Parameters conv(int64_t out, int64_t in, int64_t kernel) {
    return {{"weight", NirChain::ramp({out, in, kernel, kernel})},
            {"bias", NirChain::ramp({out})},
            {"stride", NirChain::scalar(1)},
            {"padding", nir_text("same")},
            {"dilation", NirChain::scalar(1)},
            {"groups", NirChain::scalar(1)}};
}
NirChain::Parameters affine(int64_t out, int64_t in) {
    return {{"weight", NirChain::ramp({out, in})}, {"bias", NirChain::ramp({out})}};
}
const NirChain::Parameters fire = {{"r", NirChain::scalar(1024)}, {"v_threshold", NirChain::scalar(1)}};
const NirChain::Parameters flat = {{"start_dim", NirChain::scalar(0)}, {"end_dim", NirChain::scalar(-1)}};
NirChain::Parameters window(int64_t size) {
    return {{"kernel_size", NirChain::whole({size, size})}, {"stride", NirChain::scalar(size)}};
}

/// Input [2, 4, 4], a convolution of 4 filters "a" and its neuron "b".
NirChain start() { return NirChain({2, 4, 4}).add("a", "Conv2d", conv(4, 2, 3)).add("b", "IF", fire); }
NirChain ended(NirChain chain) { return chain.add("y", "Flatten", flat).add("z", "Affine", affine(3, 64)); }

TEST(NirSums, SeveralEdgesAreASum) {
    // Of spikes, before weights; of currents and spikes, before a neuron; of currents, before a pool.
    NirChain spikes = start().add("c", "Conv2d", conv(4, 4, 3)).add("d", "IF", fire).add("y", "Flatten", flat);
    EXPECT_EQ(text_of(spikes.edge("b", "y").add("z", "Affine", affine(3, 64))),
              "4C3-IF(reset=zero)-[|4C3-IF(reset=zero)]add-3F");
    NirChain currents = start().add("c", "Conv2d", conv(4, 4, 3)).add("d", "IF", fire).edge("b", "d");
    EXPECT_EQ(text_of(ended(currents)), "4C3-IF(reset=zero)-[|4C3]add-IF(reset=zero)-3F");
    NirChain pooled = start().add("c", "Conv2d", conv(4, 4, 3)).add("p", "AvgPool2d", window(2));
    pooled.go_to("b")
        .add("c2", "Conv2d", conv(4, 4, 1))
        .edge("c2", "p")
        .go_to("p")
        .add("d", "IF", fire)
        .add("y", "Flatten", flat);
    EXPECT_EQ(text_of(pooled.add("z", "Affine", affine(3, 16))),
              "4C3-IF(reset=zero)-[4C3|4C1]add-AP2-IF(reset=zero)-3F");
    // The end: two heads.
    NirChain heads = start().add("y", "Flatten", flat).add("h1", "Affine", affine(3, 64)).add("output", "Output");
    heads.go_to("y").add("h2", "Affine", affine(3, 64)).edge("h2", "output");
    EXPECT_EQ(text_of(heads), "4C3-IF(reset=zero)-[3F|3F]add");
}

TEST(NirSums, AScaleOfOnesIsASumAlone) {
    NirChain chain = start()
                         .add("c", "Conv2d", conv(4, 4, 3))
                         .add("d", "IF", fire)
                         .add("one", "Scale", {{"scale", NirChain::scalar(1)}});
    chain.edge("b", "one")
        .add("e", "Conv2d", conv(4, 4, 3))
        .add("f", "IF", fire)
        .add("y", "Flatten", flat)
        .edge("one", "y");
    EXPECT_EQ(text_of(chain.add("z", "Affine", affine(3, 64))),
              "4C3-IF(reset=zero)-[|4C3-IF(reset=zero)]add-[4C3-IF(reset=zero)|]add-3F");
}

TEST(NirSums, CurrentsArePooled) {
    EXPECT_EQ(text_of(start()
                          .add("c", "Conv2d", conv(4, 4, 3))
                          .add("p", "SumPool2d", window(2))
                          .add("q", "AvgPool2d", window(2))
                          .add("d", "IF", fire)
                          .add("y", "Flatten", flat)
                          .add("z", "Affine", affine(3, 4))),
              "4C3-IF(reset=zero)-4C3-SP2-AP2-IF(reset=zero)-3F");
    EXPECT_EQ(text_of(start()
                          .add("p", "SumPool2d", window(2))
                          .add("q", "AvgPool2d", window(2))
                          .add("y", "Flatten", flat)
                          .add("z", "Affine", affine(3, 4))),
              "4C3-IF(reset=zero)-SP2-AP2-3F");
    // The pool ends the graph.
    EXPECT_EQ(text_of(start().add("p", "AvgPool2d", window(4))), "4C3-IF(reset=zero)-AP4");
}

TEST(NirSums, ScalesBecomePartOfWhatFollows) {
    NirValue by_neuron = NirChain::all({4, 4, 4}, 2);
    by_neuron.numbers[5] = 4;
    const NirChain plain = ended(start().add("c", "Conv2d", conv(4, 4, 3)).add("d", "IF", fire));
    const NirChain scaled =
        ended(start().add("c", "Conv2d", conv(4, 4, 3)).add("s", "Scale", {{"scale", by_neuron}}).add("d", "IF", fire));
    const Network network = import(scaled).network;
    EXPECT_EQ(network.layers[1].weight, import(plain).network.layers[1].weight);
    EXPECT_EQ(network.layers[1].values[0].field, "gain");
    EXPECT_EQ(network.layers[1].values[0].values.data[5], 4.0F);
    NirChain sum = start()
                       .add("c", "Conv2d", conv(4, 4, 3))
                       .add("s", "Scale", {{"scale", NirChain::scalar(2)}})
                       .edge("b", "s")
                       .add("d", "IF", fire);
    EXPECT_EQ(text_of(ended(sum)), "4C3-IF(reset=zero)-[|4C3]add-IF(reset=zero,gain=2)-3F");
    NirChain before_sum =
        start().add("s", "Scale", {{"scale", NirChain::scalar(2)}}).add("y", "Flatten", flat).edge("b", "y");
    EXPECT_THAT(error_of(before_sum.add("z", "Affine", affine(3, 64))),
                HasSubstr("the node 'y' (Flatten) adds what 's' scales"));
}

TEST(NirSums, WhatCannotMeetIsNamed) {
    NirChain input = start();
    input.edge("input", "b");
    EXPECT_THAT(error_of(input),
                HasSubstr("the node 'b' (IF) adds what 'input' gives, but only weights read the network's input"));
    NirChain shapes = start().add("c", "Conv2d", conv(2, 4, 3)).add("d", "IF", fire).edge("b", "d");
    EXPECT_THAT(error_of(shapes),
                HasSubstr("the node 'd' (IF) adds [4, 4, 4] of 'b' and [2, 4, 4] of 'c'; expected equal shapes"));
    NirChain currents = start().add("c", "Conv2d", conv(4, 4, 3)).add("y", "Flatten", flat).edge("b", "y");
    EXPECT_THAT(error_of(currents.add("z", "Affine", affine(3, 64))),
                HasSubstr("the node 'z' (Affine) follows the weights of 'y' without"));
    NirChain li = start()
                      .add("y", "Flatten", flat)
                      .add("h1", "Affine", affine(3, 64))
                      .add("li", "I", {{"r", NirChain::scalar(512)}});
    li.go_to("y").add("h2", "Affine", affine(3, 64)).edge("h2", "li").go_to("li");
    EXPECT_THAT(error_of(li),
                HasSubstr("the node 'li' (I) scales what it reads, which only weights directly before it can carry"));
}

// ---- recurrence
// ------------------------------------------------------------------------------------------------------------

/// Input [5], 3 neurons "b" that come back through "r".
NirChain recurrent(const std::string& type, const NirChain::Parameters& parameters) {
    NirChain chain = NirChain({5}).add("a", "Affine", affine(3, 5)).add("b", "IF", fire).add("r", type, parameters);
    return chain.edge("r", "b").go_to("b").add("z", "Linear", {{"weight", NirChain::ramp({2, 3})}});
}

TEST(NirSums, CyclesBecomeRecurrence) {
    const ImportedNetwork all = import(recurrent("Linear", {{"weight", NirChain::ramp({3, 3})}}));
    EXPECT_EQ(network_text(all.network), "3F-R-IF(reset=zero)-2Fb0");
    EXPECT_EQ(all.network.layers[0].recurrence.weight.data[3], -0.5F);
    EXPECT_THAT(all.assumptions, Contains(HasSubstr("Spikes of 'b' come back through 'r' one step later")));
    NirValue diagonal = NirChain::all({3, 3}, 0);
    for (int i = 0; i < 3; ++i) diagonal.numbers[4 * i] = i + 1;
    EXPECT_EQ(import(recurrent("Linear", {{"weight", diagonal}})).network.layers[0].recurrence.weight,
              FloatArray({3}, {1, 2, 3}));
    EXPECT_EQ(text_of(recurrent("Scale", {{"scale", NirChain::list({1, 2, 3})}})), "3F-R1-IF(reset=zero)-2Fb0");
    // A bias acts at every step, as the layer's own does.
    const Network biased = import(recurrent("Affine", affine(3, 3))).network;
    EXPECT_EQ(biased.layers[0].bias, FloatArray({3}, {0.25F, -0.5F, 0.75F}));
    const Network maps = import(ended(start().add("r", "Conv2d", conv(4, 4, 3)).edge("r", "b").go_to("b"))).network;
    EXPECT_EQ(network_text(maps), "4C3-RC3-IF(reset=zero)-3F");
    EXPECT_EQ(maps.layers[0].bias.data[1], -0.5F);
    NirChain flattened =
        NirChain({2, 4, 4}).add("a", "Conv2d", conv(4, 2, 3)).add("y", "Flatten", flat).add("b", "IF", fire);
    flattened.add("r", "Linear", {{"weight", NirChain::ramp({64, 64})}})
        .edge("r", "b")
        .go_to("b")
        .add("z", "Affine", affine(3, 64));
    EXPECT_EQ(text_of(flattened), "4C3-R-IF(reset=zero)-3F");
}

TEST(NirSums, RecurrenceThatNoLayerHasIsNamed) {
    EXPECT_THAT(error_of(recurrent("Linear", {{"weight", NirChain::ramp({3, 4})}})),
                HasSubstr("the node 'r' (Linear) has a weight of shape [3, 4] in the recurrence of 3 neurons"));
    EXPECT_THAT(error_of(recurrent("Delay", {{"delay", NirChain::scalar(1)}})),
                HasSubstr("the node 'r' (Delay) lies between a neuron and itself; expected a Linear"));
    EXPECT_THAT(error_of(recurrent("Affine", {{"weight", NirChain::ramp({3, 3})}, {"bias", NirChain::ramp({2})}})),
                HasSubstr("a bias of shape [2] for [3]"));
    EXPECT_THAT(
        error_of(ended(start().add("r", "Linear", {{"weight", NirChain::ramp({64, 64})}}).edge("r", "b").go_to("b"))),
        HasSubstr("the node 'r' (Linear) reads a map [4, 4, 4]; expected a Flatten"));
    EXPECT_THAT(error_of(ended(start()
                                   .add("r", "Conv2d", conv(4, 4, 1))
                                   .set("r", "groups", NirChain::scalar(2))
                                   .set("r", "weight", NirChain::ramp({4, 2, 1, 1}))
                                   .edge("r", "b")
                                   .go_to("b"))),
                HasSubstr("the node 'r' (Conv2d) is no recurrence that a layer has"));
    NirValue scale = NirChain::all({4, 4, 4}, 1);
    scale.numbers[1] = 2;
    EXPECT_THAT(error_of(ended(start().add("r", "Scale", {{"scale", scale}}).edge("r", "b").go_to("b"))),
                HasSubstr("has a scale that differs inside a channel"));
    NirChain sum = start().add("c", "Conv2d", conv(4, 4, 3)).add("d", "IF", fire).edge("b", "d");
    sum.add("r", "Conv2d", conv(4, 4, 3)).edge("r", "d").go_to("d");
    EXPECT_THAT(error_of(ended(sum)),
                HasSubstr("the node 'd' (IF) is recurrent through 'r', but reads no weights alone"));
}

// ---- one axis
// --------------------------------------------------------------------------------------------------------------

TEST(NirSums, NodesOfOneAxis) {
    NirChain::Parameters parameters = {{"weight", NirChain::ramp({4, 2, 5})}, {"bias", NirChain::ramp({4})},
                                       {"stride", NirChain::list({2})},       {"padding", NirChain::scalar(3)},
                                       {"dilation", NirChain::scalar(2)},     {"groups", NirChain::scalar(1)},
                                       {"input_shape", NirChain::scalar(16)}};
    const auto chain = [&](Shape input) {
        return NirChain(std::move(input))
            .add("a", "Conv1d", parameters)
            .add("b", "IF", {{"r", NirChain::all({4, 7}, 1024)}, {"v_threshold", NirChain::scalar(1)}})
            .add("y", "Flatten", flat)
            .add("z", "Affine", affine(3, 28));
    };
    const Network network = import(chain({2, 16})).network;
    EXPECT_EQ(network_text(network), "4C1x5p0x3s1x2d1x2-IF(reset=zero)-3F");
    EXPECT_EQ(network.input_shape(), (Shape{2, 1, 16}));
    EXPECT_EQ(import(chain({1, 2, 16})).network.input_shape(), (Shape{2, 1, 16}));
    EXPECT_THAT(error_of(chain({2, 2, 16})), HasSubstr("the node 'a' (Conv1d) reads [2, 2, 16], expected [C, L]"));
    EXPECT_THAT(error_of(chain({2, 15})), HasSubstr("expects an input of 1 by 16, but reads [2, 1, 15]"));
    parameters[0].second = NirChain::ramp({4, 2, 5, 1});
    EXPECT_THAT(error_of(chain({2, 16})), HasSubstr("expected three axes"));
}

}  // namespace
}  // namespace spikelens

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "model_io/nir_graph.h"
#include "nir_chain.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const NirValues& values) {
    std::vector<std::string> found;
    for (const NirNode& node : nir_chain(build_nir_graph(values, "f.nir"), "f.nir")) found.push_back(node.name);
    return found;
}

std::string error_of(const NirValues& values) {
    return input_error([&] { names(values); });
}

NirChain three() { return NirChain({4}).add("b", "Affine").add("a", "LIF").add("c", "Affine"); }

TEST(NirGraph, TheOrderComesFromTheEdgesAlone) {
    NirChain chain({3});
    std::vector<std::string> expected = {"input"};
    for (int i = 0; i < 40; ++i) {
        const std::string name = std::to_string(i * 7 % 40);
        chain.add(name, "Flatten");
        expected.push_back(name);
    }
    chain.values();
    expected.emplace_back("output");
    for (uint64_t round = 0; round < 20; ++round) {
        auto& edges = chain.edges();
        for (size_t i = edges.size(); i > 1; --i) std::swap(edges[i - 1], edges[random_bits(round, Stream::test, {i}) % i]);
        ASSERT_EQ(names(chain.values()), expected) << round;
    }
}

TEST(NirGraph, NodesKeepTheirTypesAndParameters) {
    NirValues values = NirChain({4}).add("x", "LIF", {{"tau", NirChain::scalar(2)}}).values();
    values["node/metadata/dt"] = NirChain::scalar(0.5);
    const NirGraph graph = build_nir_graph(values, "f.nir");
    EXPECT_EQ(graph.version, "1.0");
    EXPECT_EQ(graph.metadata.at("dt").numbers, std::vector<double>{0.5});
    EXPECT_EQ(graph.nodes.at("x").type, "LIF");
    EXPECT_EQ(graph.nodes.at("x").values.at("tau").numbers, std::vector<double>{2});
}

TEST(NirGraph, CyclesAreNamed) {
    EXPECT_THAT(error_of(three().edge("c", "b").values()),
                AllOf(HasSubstr("recurrent"), HasSubstr("'a' → 'c' → 'b' → 'a' is a cycle")));
    EXPECT_THAT(error_of(three().edge("a", "a").values()), HasSubstr("'a' → 'a' is a cycle"));
    // What follows a cycle is not on it.
    EXPECT_THAT(error_of(three().edge("a", "b").values()), HasSubstr(": 'a' → 'b' → 'a' is a cycle"));
}

TEST(NirGraph, BranchesSumsAndLooseNodesAreNamed) {
    EXPECT_THAT(error_of(three().edge("b", "c").values()), HasSubstr("the node 'b' (Affine) feeds 'a' and 'c'"));
    EXPECT_THAT(error_of(three().add("d", "Linear").edge("d", "q").set("q", "type", nir_text("I")).values()),
                HasSubstr("feeds 'q' and 'output'"));
    NirChain sum = three();
    sum.set("d", "type", nir_text("Input")).edge("d", "c");
    EXPECT_THAT(error_of(sum.values()), HasSubstr("the node 'c' (Affine) receives the sum of 'a' and 'd'"));
    EXPECT_THAT(error_of(three().edge("b", "a").values()), HasSubstr("the edge 'b' → 'a' appears twice"));
    EXPECT_THAT(error_of(three().set("loose", "type", nir_text("LIF")).values()), HasSubstr("'loose' (LIF) is not reached"));
    EXPECT_THAT(error_of(three().edge("c", "nowhere").values()), HasSubstr("names 'nowhere'"));
    EXPECT_THAT(error_of(three().set("input", "type", nir_text("Scale")).values()), HasSubstr("0 Input nodes"));
    EXPECT_THAT(error_of(three().add("output", "LIF").values()), HasSubstr("expected an Output"));
}

TEST(NirGraph, BrokenFormIsRefused) {
    const NirValues good = three().values();
    const auto without = [&](const std::string& path) {
        NirValues values = good;
        values.erase(path);
        return error_of(values);
    };
    const auto with = [&](const std::string& path, const NirValue& value) {
        NirValues values = good;
        values[path] = value;
        return error_of(values);
    };
    EXPECT_EQ(error_of(good), "");
    EXPECT_EQ(without("version"), "");
    EXPECT_THAT(error_of({{"x", NirChain::scalar(1)}}), HasSubstr("not a NIR file"));
    EXPECT_THAT(without("node/type"), HasSubstr("the root node has no 'type'"));
    EXPECT_THAT(without("node/edges"), HasSubstr("no 'edges'"));
    EXPECT_THAT(with("node/type", nir_text("LIF")), HasSubstr("the root node is a LIF"));
    EXPECT_THAT(with("node/type", NirChain::scalar(1)), HasSubstr("not one text"));
    EXPECT_THAT(with("node/nodes/a/type", {NirType::text, {2}, {}, {"x", "y"}}), HasSubstr("not one text"));
    EXPECT_THAT(with("node/nodes/extra/weight", NirChain::scalar(1)), HasSubstr("the node 'extra' has no 'type'"));
    EXPECT_THAT(with("node/edges", {NirType::text, {3}, {}, {"a", "b", "c"}}), HasSubstr("not pairs"));
    EXPECT_THAT(with("node/edges", NirChain::all({2, 2}, 1)), HasSubstr("not pairs"));
}

TEST(NirGraph, AGraphInsideBecomesItsNodes) {
    NirChain chain = NirChain({4}).add("first", "Affine").add("inner", "NIRGraph").add("last", "Affine");
    NirValues values = chain.values();
    const NirValues inside = NirChain({4}).add("deep", "LIF").values();
    for (const auto& [path, value] : inside)
        if (path != "version" && path != "node/type") values["node/nodes/inner" + path.substr(4)] = value;
    EXPECT_THAT(names(values), ElementsAre("input", "first", "inner.input", "inner.deep", "inner.output", "last", "output"));
    EXPECT_EQ(build_nir_graph(values, "f").nodes.at("inner.input").type, "Pass");
    values["node/nodes/inner/nodes/output/type"] = nir_text("LIF");
    EXPECT_THAT(error_of(values), AllOf(HasSubstr("the graph 'inner'"), HasSubstr("one Input and one Output")));
    values.erase("node/nodes/inner/edges");
    EXPECT_THAT(error_of(values), HasSubstr("the graph 'inner' has no 'edges'"));
}

}  // namespace
}  // namespace spikelens

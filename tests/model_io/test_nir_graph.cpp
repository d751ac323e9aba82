#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "model_io/nir_order.h"
#include "nir_chain.h"
#include "support/errors.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names(const NirValues& values) {
    std::vector<std::string> found;
    const NirGraph graph = build_nir_graph(values, "f.nir");
    for (const NirStep& step : nir_order(graph, "f.nir")) found.push_back(step.node->name);
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
        for (size_t i = edges.size(); i > 1; --i)
            std::swap(edges[i - 1], edges[random_bits(round, Stream::test, {i}) % i]);
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

/// The steps by their nodes' names.
struct Ordered {
    NirGraph graph;
    std::map<std::string, NirStep> steps;
};
Ordered ordered(const NirValues& values) {
    Ordered result{build_nir_graph(values, "f.nir"), {}};
    for (const NirStep& step : nir_order(result.graph, "f.nir")) result.steps[step.node->name] = step;
    return result;
}

TEST(NirGraph, BranchesMeetInTheOrderOfTheirNames) {
    NirChain chain = three();
    chain.edge("b", "c").edge("input", "a").edge("input", "c");
    const std::vector<std::pair<std::string, std::string>> edges = chain.edges();
    for (uint64_t round = 0; round < 20; ++round) {
        for (size_t i = edges.size(); i > 1; --i)
            std::swap(chain.edges()[i - 1], chain.edges()[random_bits(round, Stream::test, {i}) % i]);
        NirChain shuffled = chain;
        const Ordered found = ordered(shuffled.values());
        EXPECT_THAT(found.steps.at("c").inputs, ElementsAre("a", "b", "input"));
        EXPECT_THAT(found.steps.at("a").inputs, ElementsAre("b", "input"));
        EXPECT_EQ(found.steps.at("b").readers, 2);
        EXPECT_EQ(found.steps.at("input").readers, 3);
    }
}

TEST(NirGraph, NumbersInNamesCount) {
    NirChain chain({3});
    for (const char* name : {"10", "9", "x2", "x10"}) chain.go_to("input").add(name, "LIF");
    chain.add("sum", "LIF");
    for (const char* name : {"10", "9", "x2"}) chain.edge(name, "sum");
    EXPECT_THAT(ordered(chain.values()).steps.at("sum").inputs, ElementsAre("9", "10", "x2", "x10"));
    NirValues own = chain.values();
    own["node/metadata/writer"] = nir_text("spikelens");
    EXPECT_THAT(ordered(own).steps.at("sum").inputs, ElementsAre("x10", "10", "9", "x2"));
}

TEST(NirGraph, ANodeBetweenANeuronAndItselfIsItsRecurrence) {
    NirChain chain = three();
    chain.set("r", "type", nir_text("Linear")).edge("a", "r").edge("r", "a");
    const Ordered found = ordered(chain.values());
    EXPECT_EQ(found.steps.at("a").recurrent->name, "r");
    EXPECT_THAT(found.steps.at("a").inputs, ElementsAre("b"));
    EXPECT_EQ(found.steps.at("a").readers, 1);
    EXPECT_FALSE(found.steps.contains("r"));
    chain.set("r2", "type", nir_text("Linear")).edge("a", "r2").edge("r2", "a");
    EXPECT_THAT(error_of(chain.values()), HasSubstr("the node 'a' (LIF) has two recurrences, 'r' and 'r2'"));
}

TEST(NirGraph, OtherCyclesAreNamed) {
    EXPECT_THAT(error_of(three().edge("c", "b").values()),
                AllOf(HasSubstr("'a' → 'c' → 'b' → 'a' is a cycle that no layer can be"),
                      HasSubstr("expected a neuron → a Linear")));
    EXPECT_THAT(error_of(three().edge("a", "a").values()), HasSubstr("'a' → 'a' is a cycle"));
    // What follows a cycle is not on it.
    NirChain two = three();
    two.set("r", "type", nir_text("Linear"))
        .set("s", "type", nir_text("Scale"))
        .edge("a", "r")
        .edge("r", "s")
        .edge("s", "a");
    EXPECT_THAT(error_of(two.values()), HasSubstr("'a' → 'r' → 's' → 'a' is a cycle"));
}

TEST(NirGraph, LooseNodesAndWrongEndsAreNamed) {
    EXPECT_THAT(error_of(three().add("d", "Linear").edge("d", "q").set("q", "type", nir_text("I")).values()),
                HasSubstr("the node 'q' (I) does not lead to the Output"));
    NirChain sum = three();
    sum.set("d", "type", nir_text("Input")).edge("d", "c");
    EXPECT_THAT(error_of(sum.values()), HasSubstr("2 Input nodes"));
    EXPECT_THAT(error_of(three().edge("b", "a").values()), HasSubstr("the edge 'b' → 'a' appears twice"));
    EXPECT_THAT(error_of(three().set("loose", "type", nir_text("LIF")).values()),
                HasSubstr("'loose' (LIF) is not reached"));
    EXPECT_THAT(error_of(three().edge("c", "nowhere").values()), HasSubstr("names 'nowhere'"));
    EXPECT_THAT(error_of(three().set("input", "type", nir_text("Scale")).values()), HasSubstr("0 Input nodes"));
    EXPECT_THAT(error_of(three().add("output", "LIF").values()), HasSubstr("0 Output nodes, expected one"));
    EXPECT_THAT(error_of(three().add("output", "Output").add("more", "LIF").edge("more", "c").values()),
                HasSubstr("feeds 'more'"));
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
    EXPECT_THAT(names(values), ElementsAre("input", "first", "inner.deep", "last", "output"));
    EXPECT_EQ(build_nir_graph(values, "f").nodes.at("inner.input").type, "Pass");
    values["node/nodes/inner/nodes/output/type"] = nir_text("LIF");
    EXPECT_THAT(error_of(values), AllOf(HasSubstr("the graph 'inner'"), HasSubstr("one Input and one Output")));
    values.erase("node/nodes/inner/edges");
    EXPECT_THAT(error_of(values), HasSubstr("the graph 'inner' has no 'edges'"));
}

}  // namespace
}  // namespace spikelens

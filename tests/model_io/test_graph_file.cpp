#include <algorithm>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "example_network.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Every field that graphs alone have.
Network example_graph() {
    Network network = parse_network(
        "3C3x1s1x2g1-LIF(beta=**,threshold=*)-MP1x2-[6C3d2g3-RC3-LIF-AP2s1|6C2p0-MP1]cat-IF-[12C1-IF|]add-8F-R-IF-[8F-"
        "R1-IF|]"
        "add-"
        "2F",
        {3, 9, 16}, 6);
    initialise_weights(network, 3);
    for (Layer& layer : network.layers)
        for (NeuronValue& value : layer.values)
            for (float& number : value.values.data) number *= 0.75F;
    return network;
}

class GraphFile : public testing::Test {
  protected:
    std::string error() {
        return input_error([&] { load_model(path); });
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "model.safetensors";
};

TEST_F(GraphFile, PoolsBeyondTheMapAndThresholdsThatAdaptComeBack) {
    const Network graph =
        parse_network("4C3-MP3s2p1-LIF(adapt=0.25,rho=0.5)-SP5x3s2x1p2x0c-4C3-LIF(adapt=**,rho=*)-2F", {2, 9, 16}, 3);
    save_model(graph, path);
    const Network back = load_model(path);
    EXPECT_EQ(network_text(back), network_text(graph));
    ASSERT_EQ(back.layers.size(), graph.layers.size());
    for (size_t l = 0; l < graph.layers.size(); ++l) {
        EXPECT_EQ(back.layers[l].pool, graph.layers[l].pool);
        EXPECT_EQ(back.layers[l].neuron, graph.layers[l].neuron);
        EXPECT_EQ(back.layers[l].values, graph.layers[l].values);
    }
}

TEST_F(GraphFile, GraphsComeBackComplete) {
    const Network graph = example_graph();
    save_model(graph, path);
    const std::string bytes = read_file(path);
    EXPECT_EQ(json::parse(read_safetensors(path).metadata.at("spikelens"))["format"], 2);
    const Network back = load_model(path);
    ASSERT_EQ(back.layers.size(), graph.layers.size());
    for (size_t l = 0; l < graph.layers.size(); ++l) {
        EXPECT_EQ(back.layers[l].inputs, graph.layers[l].inputs);
        EXPECT_EQ(back.layers[l].neuron, graph.layers[l].neuron);
        EXPECT_EQ(back.layers[l].pool, graph.layers[l].pool);
        EXPECT_EQ(back.layers[l].weight, graph.layers[l].weight);
        EXPECT_EQ(back.layers[l].bias, graph.layers[l].bias);
        EXPECT_EQ(back.layers[l].values, graph.layers[l].values);
        EXPECT_EQ(back.layers[l].recurrence.weight, graph.layers[l].recurrence.weight);
    }
    EXPECT_EQ(network_text(back), network_text(graph));
    EXPECT_EQ(model_fingerprint(back), model_fingerprint(graph));
    save_model(back, path);
    EXPECT_EQ(read_file(path), bytes);
    Network other = graph;
    other.layers[0].values[0].values.data[5] = 0.5F;
    EXPECT_NE(model_fingerprint(other), model_fingerprint(graph));
}

TEST_F(GraphFile, FieldsOfGraphsAreTypedAndChecked) {
    const auto error_of = [&](const std::function<void(json&)>& change) {
        save_model(example_graph(), path);
        Safetensors contents = read_safetensors(path);
        json description = json::parse(contents.metadata.at("spikelens"));
        change(description);
        contents.metadata["spikelens"] = description.dump();
        write_safetensors(path, contents);
        return error();
    };
    save_model(example_graph(), path);
    const json whole = json::parse(read_safetensors(path).metadata.at("spikelens"));
    const json leaves = whole.flatten();
    for (const auto& [pointer, value] : leaves.items())
        EXPECT_NE(error_of([&](json& description) {
                      description[json::json_pointer(pointer)] = json::object({{"a", 1}});
                  }),
                  "")
            << pointer;
    EXPECT_THAT(error_of([](json& d) { d["format"] = 1; }), HasSubstr("must be 1 for a chain of layers, else 2"));
    EXPECT_THAT(error_of([](json& d) {
                    d["layers"][3]["inputs"] = {"conv2", "full9"};
                }),
                HasSubstr("names of layers before it"));
    EXPECT_THAT(error_of([](json& d) { d["layers"][1]["groups"] = 2; }), testing::Ne(""));
    EXPECT_THAT(error_of([](json& d) { d["layers"][1]["dilation"] = {2, 2}; }), HasSubstr("two that differ"));
    EXPECT_THAT(error_of([](json& d) { d["layers"][0]["values"]["beta"] = "all"; }), HasSubstr("channel or neuron"));
    EXPECT_THAT(error_of([](json& d) { d["layers"][0]["values"]["beto"] = "channel"; }),
                HasSubstr("names of a neuron's numbers"));
}

TEST_F(GraphFile, MutatedGraphsAreRefusedOrValid) {
    save_model(example_graph(), path);
    const std::string whole = read_file(path);
    const size_t header = whole.find("\"spikelens\"");  // most mutations are to hit the description
    for (uint64_t round = 0; round < 2000; ++round) {
        const uint64_t draw = random_bits(3, Stream::test, {round});
        std::string bytes = whole;
        bytes[header + draw % std::min<size_t>(6000, bytes.size() - header)] = static_cast<char>(draw >> 32 & 127);
        std::ofstream(path, std::ios::binary) << bytes;
        try {
            check_network(load_model(path), "mutated");
        } catch (const InputError&) {
        }
    }
}

TEST(ModelFingerprint, OfChainsAreThoseOfEveryVersion) {
    EXPECT_EQ(model_fingerprint(example_network()), "840a998ff0bda078d8504e07d32af57fe3353d06e70b754e81aacdf35877533f");
    const auto of_text = [](const char* text) {
        Network network = parse_network(text, {2, 20, 17}, 3);
        initialise_weights(network, 7);
        return model_fingerprint(network);
    };
    EXPECT_EQ(of_text("16C3-LIF-MP2-10F"), "aa6afe644306270c2bdd806ff6b61af70c359040072e6af04d7e008077c3e00c");
    EXPECT_EQ(of_text("4C3-LIF(alpha=0.5)-SP2-3F-LI(beta=0.25)"),
              "f54963f6bacd529269a67c14f35a089c98ed10cef23d530a6812c9f29ab013a2");
}

}  // namespace
}  // namespace spikelens

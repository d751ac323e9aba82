#include <cmath>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spikelens/core/random.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "example_network.h"
#include "model_file.h"

namespace spikelens {
namespace {

using nlohmann::json;
using namespace nlohmann::literals;
using testing::AllOf;
using testing::HasSubstr;

TEST_F(ModelFile, TensorsByTheirNamesMakeTheNetwork) {
    const Network whole = example_network();
    Network empty = parse_network(network_text(whole), whole.input_shape(), whole.steps);
    empty.classes = whole.classes;
    const std::map<std::string, FloatArray> tensors = network_tensors(whole);
    set_tensors(empty, tensors, "here");
    expect_same_network(empty, whole);
    auto fewer = tensors, more = tensors;
    fewer.erase("conv1.weight");
    more["conv9.weight"] = FloatArray({1});
    EXPECT_EQ(input_error([&] { set_tensors(empty, fewer, "here"); }), "here: the tensor conv1.weight is missing");
    EXPECT_EQ(input_error([&] { set_tensors(empty, more, "here"); }),
              "here: the tensor conv9.weight does not belong to the network");
}

TEST_F(ModelFile, ComesBackComplete) {
    const Network network = example_network();
    save_model(network, path);
    expect_same_network(load_model(path), network);
}

TEST_F(ModelFile, NeuronFloatsComeBackToTheBit) {
    Network network = example_network();
    for (uint64_t round = 0; round < 200; ++round) {
        Neuron& neuron = *network.layers[0].neuron;
        neuron.beta = static_cast<float>(random_uniform(1, Stream::test, {round, 0}));
        neuron.threshold = static_cast<float>(std::exp(40 * random_normal(1, Stream::test, {round, 1})) + 1e-45);
        neuron.gain = static_cast<float>(random_normal(1, Stream::test, {round, 2}));
        if (!std::isfinite(neuron.threshold)) continue;
        save_model(network, path);
        ASSERT_EQ(load_model(path).layers[0].neuron, network.layers[0].neuron) << round;
    }
}

TEST_F(ModelFile, EqualNetworksGiveEqualBytes) {
    save_model(example_network(), path);
    const std::string first = read_file(path);
    save_model(load_model(path), path);
    EXPECT_EQ(read_file(path), first);
}

TEST_F(ModelFile, DescriptionIsReadableJson) {
    save_model(example_network(), path);
    const json description = json::parse(read_safetensors(path).metadata.at("spikelens"));
    EXPECT_EQ(description["format"], 1);
    EXPECT_EQ(description["input"], json({1, 9, 8}));
    EXPECT_EQ(description["steps"], 6);
    EXPECT_EQ(description["classes"], json({"cat", "dög \"x\""}));
    EXPECT_EQ(description["layers"][0]["neuron"]["beta"].dump(), "0.9");
    EXPECT_EQ(description["layers"][0]["neuron"]["reset"], "zero");
    EXPECT_EQ(description["layers"][1]["pool"], json({{"kind", "average"}, {"size", 2}, {"stride", 1}}));
    EXPECT_TRUE(description["layers"][3]["neuron"].is_null());
}

TEST_F(ModelFile, OtherMetadataIsIgnored) {
    save_model(example_network(), path);
    Safetensors contents = read_safetensors(path);
    contents.metadata["format"] = "pt";
    write_safetensors(path, contents);
    expect_same_network(load_model(path), example_network());
}

TEST_F(ModelFile, ForeignSafetensorsSayWhatIsMissing) {
    Safetensors contents;
    contents.tensors["fc.weight"] = FloatArray({2, 2});
    write_safetensors(path, contents);
    EXPECT_THAT(error(),
                AllOf(HasSubstr("not a Spikelens model"), HasSubstr("key \"spikelens\""), HasSubstr(path.string())));
}

TEST_F(ModelFile, TensorsMustBeExactlyTheNetworks) {
    EXPECT_THAT(error_with_tensors([](auto& tensors) { tensors.at("conv2.weight").data[3] = NAN; }),
                AllOf(HasSubstr("conv2.weight"), HasSubstr("not finite"), HasSubstr("element 3")));
    EXPECT_THAT(error_with_tensors([](auto& tensors) { tensors.at("conv1.bias").data[0] = INFINITY; }),
                HasSubstr("conv1.bias"));
    EXPECT_THAT(error_with_tensors([](auto& tensors) { tensors.erase("full3.bias"); }),
                HasSubstr("full3.bias is missing"));
    EXPECT_THAT(error_with_tensors([](auto& tensors) { tensors["conv2.bias"] = FloatArray({4}); }),
                HasSubstr("conv2.bias does not belong"));
    EXPECT_THAT(error_with_tensors([](auto& tensors) {
                    tensors["full4.weight"] = FloatArray({5, 2});
                }),
                AllOf(HasSubstr("full4.weight has shape [5, 2]"), HasSubstr("expected [2, 5]")));
}

TEST_F(ModelFile, EveryFieldIsNeededAndTyped) {
    save_model(example_network(), path);
    const json whole_document = json::parse(read_safetensors(path).metadata.at("spikelens"));
    const json leaves = whole_document.flatten();
    for (const auto& [pointer, value] : leaves.items()) {
        const json::json_pointer place(pointer);
        // An object is a wrong type for every leaf.
        EXPECT_NE(error_with([&](json& description) { description[place] = json::object({{"a", 1}}); }), "") << pointer;
        const bool in_list = whole_document[place.parent_pointer()].is_array();
        if (in_list) continue;
        EXPECT_THAT(error_with([&](json& description) { description[place.parent_pointer()].erase(place.back()); }),
                    HasSubstr("is missing"))
            << pointer;
    }
}

TEST_F(ModelFile, HostileNumbersAreRefused) {
    const json::json_pointer numbers[] = {"/steps"_json_pointer,
                                          "/input/0"_json_pointer,
                                          "/layers/0/kernel"_json_pointer,
                                          "/layers/0/stride"_json_pointer,
                                          "/layers/0/output/0"_json_pointer,
                                          "/layers/0/pool/size"_json_pointer,
                                          "/layers/0/pool/stride"_json_pointer,
                                          "/layers/1/pooled/1"_json_pointer,
                                          "/layers/3/input/0"_json_pointer,
                                          "/format"_json_pointer};
    for (const auto& place : numbers)
        for (const json& value : {json(-1), json(0), json(1e300), json(2.5), json(int64_t{1} << 40), json(~uint64_t{0}),
                                  json(nullptr), json("1")})
            EXPECT_NE(error_with([&](json& description) { description[place] = value; }), "")
                << place.to_string() << " " << value;
    EXPECT_THAT(error_with([](json& d) { d["layers"][0]["padding"] = 200; }),
                HasSubstr("as kernel, stride and padding give"));
    EXPECT_THAT(error_with([](json& d) { d["layers"][0]["neuron"]["beta"] = 1.5; }), HasSubstr("beta"));
    EXPECT_THAT(error_with([](json& d) { d["layers"][0]["neuron"]["threshold"] = 1e39; }),
                HasSubstr("layers[0].neuron.threshold"));
    EXPECT_NE(error_with([](json& d) { d["layers"][0]["neuron"]["threshold"] = 0; }), "");
    EXPECT_NE(error_with([](json& d) { d["layers"] = json::array(); }), "");
    EXPECT_NE(error_with([](json& d) { d["classes"].push_back("third"); }), "");
}

TEST_F(ModelFile, ContradictionsAreRefused) {
    EXPECT_THAT(error_with([](json& d) { d["network"] = "2F"; }), HasSubstr("the text of its layers"));
    EXPECT_THAT(error_with([](json& d) { d["layers"][0]["neuron"]["beta"] = 0.8; }),
                HasSubstr("the text of its layers"));
    EXPECT_THAT(error_with([](json& d) { d["layers"][1]["name"] = "conv1"; }), HasSubstr("must be conv2"));
    EXPECT_THAT(error_with([](json& d) { d["layers"][2]["neuron"] = nullptr; }), HasSubstr("only in the last layer"));
    EXPECT_THAT(error_with([](json& d) { d["layers"][1]["input"] = {3, 1, 1}; }), HasSubstr("which it receives"));
    EXPECT_THAT(error_with([](json& d) { d["layers"].erase(3); }), testing::Ne(""));
    save_model(example_network(), path);
    Safetensors contents = read_safetensors(path);
    contents.metadata["spikelens"].insert(1, "\"format\":1,");
    write_safetensors(path, contents);
    EXPECT_THAT(error(), HasSubstr("\"format\" appears twice"));
}

TEST_F(ModelFile, MutatedModelsAreRefusedOrValid) {
    save_model(example_network(), path);
    const std::string whole = read_file(path);
    for (uint64_t round = 0; round < 3000; ++round) {
        const uint64_t draw = random_bits(2, Stream::test, {round});
        std::string bytes = whole;
        bytes[draw % bytes.size()] = static_cast<char>(draw >> 32);
        std::ofstream(path, std::ios::binary) << bytes;
        try {
            check_network(load_model(path), "mutated");
        } catch (const InputError&) {
        }
    }
}

TEST_F(ModelFile, NothingUnreadableIsWritten) {
    Network network = example_network();
    network.layers[1].name = "middle";
    EXPECT_THAT(input_error([&] { save_model(network, path); }), AllOf(HasSubstr("cannot save"), HasSubstr("conv2")));
    network = example_network();
    network.layers[0].weight.data[0] = NAN;
    EXPECT_NE(input_error([&] { save_model(network, path); }), "");
    network = example_network();
    network.classes[0] = "\xff";
    EXPECT_THAT(input_error([&] { save_model(network, path); }), HasSubstr("UTF-8"));
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ModelFingerprint, KnowsWeightsAndDescription) {
    const Network network = example_network();
    const std::string fingerprint = model_fingerprint(network);
    EXPECT_EQ(fingerprint.size(), 64U);
    EXPECT_EQ(fingerprint, model_fingerprint(example_network()));
    Network other = network;
    other.layers[3].weight.data[0] = std::nextafter(other.layers[3].weight.data[0], 1.0F);
    EXPECT_NE(model_fingerprint(other), fingerprint);
    other = network;
    other.layers[0].neuron->beta = std::nextafter(0.9F, 1.0F);
    EXPECT_NE(model_fingerprint(other), fingerprint);
    other = network;
    other.steps = 7;
    EXPECT_NE(model_fingerprint(other), fingerprint);
}

}  // namespace
}  // namespace spikelens

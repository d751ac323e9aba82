#include <cmath>
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
using namespace nlohmann::literals;
using testing::AllOf;
using testing::HasSubstr;

void expect_same_layer(const Layer& a, const Layer& b) {
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.kind, b.kind);
    const auto sizes = [](const Layer& layer) {
        return std::vector<int>{layer.in_channels, layer.in_height, layer.in_width,      layer.out_channels,
                                layer.out_height,  layer.out_width, layer.kernel,        layer.stride,
                                layer.padding,     layer.has_bias,  layer.pooled_height, layer.pooled_width};
    };
    EXPECT_EQ(sizes(a), sizes(b));
    EXPECT_EQ(a.neuron, b.neuron);
    EXPECT_EQ(a.pool, b.pool);
    EXPECT_EQ(a.weight, b.weight);
    EXPECT_EQ(a.bias, b.bias);
}

void expect_same_network(const Network& a, const Network& b) {
    EXPECT_EQ(a.input_shape(), b.input_shape());
    EXPECT_EQ(a.steps, b.steps);
    EXPECT_EQ(a.classes, b.classes);
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (size_t i = 0; i < a.layers.size(); ++i) expect_same_layer(a.layers[i], b.layers[i]);
}

class ModelFile : public testing::Test {
  protected:
    /// The error of loading the example after its description was changed.
    std::string error_with(const std::function<void(json&)>& change) {
        save_model(example_network(), path);
        Safetensors contents = read_safetensors(path);
        json description = json::parse(contents.metadata.at("spikelens"));
        change(description);
        contents.metadata["spikelens"] = description.dump();
        write_safetensors(path, contents);
        return error();
    }
    std::string error_with_tensors(const std::function<void(std::map<std::string, FloatArray>&)>& change) {
        save_model(example_network(), path);
        Safetensors contents = read_safetensors(path);
        change(contents.tensors);
        write_safetensors(path, contents);
        return error();
    }
    std::string error() {
        return input_error([&] { load_model(path); });
    }

    TemporaryFolder folder;
    std::filesystem::path path = folder / "model.safetensors";
};

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

class Checkpoint : public ModelFile {
  protected:
    static TrainState example_state(const Network& network) {
        TrainState state;
        state.epochs_done = 2;
        state.history = {{1, 0.1 + 0.2, 0.5, 1.25}, {2, 1e-300, 1.0 / 3, 2}};
        for (const Layer& layer : network.layers) {
            state.momentum.push_back(layer.weight);
            if (layer.has_bias) state.momentum.push_back(layer.bias);
        }
        for (FloatArray& array : state.momentum)
            for (float& value : array.data) value = value * 3 + 0.125F;
        return state;
    }

    Network network = example_network();
    std::map<std::string, std::string> options = {{"batch", "100"}, {"seed", "1"}};
};

TEST_F(Checkpoint, ComesBackExactly) {
    const TrainState state = example_state(network);
    save_checkpoint(network, state, options, path);
    Network loaded;
    TrainState resumed;
    load_checkpoint(loaded, resumed, options, path);
    expect_same_network(loaded, network);
    EXPECT_EQ(resumed.epochs_done, 2);
    EXPECT_EQ(resumed.momentum, state.momentum);
    ASSERT_EQ(resumed.history.size(), 2U);
    for (size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(resumed.history[i].epoch, state.history[i].epoch);
        EXPECT_EQ(resumed.history[i].loss, state.history[i].loss);
        EXPECT_EQ(resumed.history[i].accuracy, state.history[i].accuracy);
        EXPECT_EQ(resumed.history[i].seconds, state.history[i].seconds);
    }
}

TEST_F(Checkpoint, BeforeTheFirstEpochThereIsNoMomentum) {
    save_checkpoint(network, {}, options, path);
    Network loaded;
    TrainState resumed = example_state(network);
    load_checkpoint(loaded, resumed, options, path);
    EXPECT_TRUE(resumed.momentum.empty());
    EXPECT_TRUE(resumed.history.empty());
    EXPECT_EQ(resumed.epochs_done, 0);
}

TEST_F(Checkpoint, WithinAnEpochComesBackExactly) {
    TrainState state = example_state(network);
    state.part = {12300, 1.0 / 3 + 4000, 9007, 31.25};
    save_checkpoint(network, state, options, path);
    Network loaded;
    TrainState resumed;
    load_checkpoint(loaded, resumed, options, path);
    expect_same_network(loaded, network);
    EXPECT_EQ(resumed.momentum, state.momentum);
    EXPECT_EQ(resumed.epochs_done, 2);
    EXPECT_EQ(resumed.part.samples, 12300);
    EXPECT_EQ(resumed.part.loss, state.part.loss);
    EXPECT_EQ(resumed.part.correct, 9007);
    EXPECT_EQ(resumed.part.seconds, 31.25);
}

TEST_F(Checkpoint, AnEpochsEndHasTheFirstFormatAndNoPart) {
    save_checkpoint(network, example_state(network), options, path);
    const auto document = nlohmann::json::parse(read_safetensors(path).metadata.at("spikelens.checkpoint"));
    EXPECT_EQ(document.at("format"), 1);
    EXPECT_FALSE(document.contains("part"));
}

TEST_F(Checkpoint, ValuesThatContradictEachOtherAreNamed) {
    TrainState state = example_state(network);
    state.part = {200, 3.5, 100, 1};
    const auto error_with = [&](const char* pointer, const nlohmann::json& value) {
        save_checkpoint(network, state, options, path);
        Safetensors contents = read_safetensors(path);
        auto document = nlohmann::json::parse(contents.metadata.at("spikelens.checkpoint"));
        document[nlohmann::json::json_pointer(pointer)] = value;
        contents.metadata["spikelens.checkpoint"] = document.dump();
        write_safetensors(path, contents);
        Network loaded;
        TrainState resumed;
        return input_error([&] { load_checkpoint(loaded, resumed, options, path); });
    };
    EXPECT_THAT(error_with("/format", 1), HasSubstr("format must be 2"));
    EXPECT_THAT(error_with("/format", 3), HasSubstr("format must be a whole number"));
    EXPECT_THAT(error_with("/epochs_done", 3), HasSubstr("history must have 3 epochs"));
    EXPECT_THAT(error_with("/history/1/epoch", 3), HasSubstr("history[1].epoch must be 2"));
    EXPECT_THAT(error_with("/momentum", false), HasSubstr("momentum must be true"));
    EXPECT_THAT(error_with("/part/samples", 0), HasSubstr("part.samples"));
    EXPECT_THAT(error_with("/part/samples", 1.5), HasSubstr("part.samples"));
    EXPECT_THAT(error_with("/part/correct", 201), HasSubstr("part.correct must be a whole number in 0..200"));
    EXPECT_THAT(error_with("/part/loss", nullptr), HasSubstr("part.loss must be a number of 0 or more"));
    EXPECT_THAT(error_with("/part/loss", -1), HasSubstr("part.loss"));
    EXPECT_THAT(error_with("/part/seconds", "1"), HasSubstr("part.seconds"));
    EXPECT_THAT(error_with("/part", nlohmann::json::object()), HasSubstr("part.samples is missing"));
    EXPECT_EQ(error_with("/part/samples", 300), "");
}

TEST_F(Checkpoint, OtherOptionsNameTheFirstDifference) {
    save_checkpoint(network, {}, options, path);
    const auto error_under = [&](const std::map<std::string, std::string>& now) {
        Network loaded;
        TrainState state;
        return input_error([&] { load_checkpoint(loaded, state, now, path); });
    };
    EXPECT_EQ(error_under(options), "");
    EXPECT_THAT(error_under({{"batch", "50"}, {"seed", "2"}}),
                AllOf(HasSubstr("batch = 100"), HasSubstr("batch = 50"), testing::Not(HasSubstr("seed"))));
    EXPECT_THAT(error_under({{"batch", "100"}}), AllOf(HasSubstr("seed = 1"), HasSubstr("seed not set")));
    EXPECT_THAT(error_under({{"batch", "100"}, {"clip", "1"}, {"seed", "1"}}),
                AllOf(HasSubstr("clip not set"), HasSubstr("clip = 1")));
}

TEST_F(Checkpoint, AnotherNetworkIsRefusedAndNothingChanges) {
    save_checkpoint(network, example_state(network), options, path);
    Network other = parse_network("2F", {1, 9, 8}, 6);
    TrainState state;
    EXPECT_THAT(input_error([&] { load_checkpoint(other, state, options, path); }),
                AllOf(HasSubstr("another network"), HasSubstr("\"2F\"")));
    EXPECT_EQ(other.layers.size(), 1U);
    Network longer = network;
    longer.steps = 7;
    EXPECT_THAT(input_error([&] { load_checkpoint(longer, state, options, path); }),
                HasSubstr("steps is 6, but now it is 7"));
}

TEST_F(Checkpoint, ModelsAndCheckpointsAreNotMistaken) {
    save_model(network, path);
    TrainState state;
    EXPECT_THAT(input_error([&] { load_checkpoint(network, state, options, path); }), HasSubstr("not a checkpoint"));
    save_checkpoint(network, example_state(network), options, path);
    EXPECT_THAT(error(), HasSubstr("momentum.conv1.bias does not belong"));
}

TEST_F(Checkpoint, BrokenMomentumIsNamed) {
    save_checkpoint(network, example_state(network), options, path);
    Safetensors contents = read_safetensors(path);
    contents.tensors.at("momentum.full3.weight").data[0] = NAN;
    write_safetensors(path, contents);
    TrainState state;
    EXPECT_THAT(input_error([&] { load_checkpoint(network, state, options, path); }),
                HasSubstr("momentum.full3.weight"));
}

}  // namespace
}  // namespace spikelens

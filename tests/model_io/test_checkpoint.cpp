#include <cmath>
#include <fstream>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/model_io/safetensors.h"

#include "model_file.h"

namespace spikelens {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

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

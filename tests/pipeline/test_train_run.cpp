// Training as a stage: where it starts, what it says, and what belongs to a run's identity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/import.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/train.h"

#include "pipeline/forecast.h"
#include "small_data.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class TrainRun : public testing::Test {
  protected:
    void SetUp() override {
        fs::create_directory(folder_ / "halves");
        write_small_data(folder_ / "halves", 24, 8);
        options_.data = (folder_ / "halves").string();
        options_.network = "4C3-LIF-6F-LIF-2F";
        options_.steps = 3;
        options_.training.epochs = 2;
        options_.training.batch = 6;
        options_.out = folder_ / "run";
        notes_.message = [this](const std::string& line) { said_.push_back(line); };
        notes_.outlook = notes_.message;
    }

    TrainResult run(const TrainRunOptions& options) {
        said_.clear();
        return train_run(options, {}, notes_);
    }
    Network model(const fs::path& root) const { return load_model(RunDirectory{root}.model()); }
    std::string refusal(const TrainRunOptions& options) {
        return input_error([&] { run(options); });
    }
    /// Training from the run that options_ makes.
    TrainRunOptions from_run() {
        run(options_);
        TrainRunOptions next = options_;
        next.from = options_.out;
        next.network.clear();
        next.steps.reset();
        next.out = folder_ / "next";
        return next;
    }

    TemporaryFolder folder_;
    TrainRunOptions options_;
    StageNotes notes_;
    std::vector<std::string> said_;
};

TEST_F(TrainRun, SaysItsMemoryAndHowMuchEachLayerSpikes) {
    const TrainResult result = run(options_);
    EXPECT_THAT(said_[0], AllOf(HasSubstr("training: 1 sample at a time"), HasSubstr("for weights and gradients")));
    EXPECT_THAT(said_, Contains(AllOf(HasSubstr("epoch 1 of 2: loss "),
                                      HasSubstr(" % right; spikes a neuron and step: conv1 "), HasSubstr(", full2 "))));
    EXPECT_THAT(said_, Contains(HasSubstr("epoch 2 of 2")));
    ASSERT_EQ(result.made.activity->spike_rates->size(), 2U);
    EXPECT_EQ(result.made.activity->spike_rates->at(1).layer, "full2");
}

TEST_F(TrainRun, WarnsOnceOfALayerThatDiesWhileItTrains) {
    options_.neurons.neuron.threshold = 1000;
    run(options_);
    const std::string warning = "warning: after epoch 1 no neuron of full2 spikes on the first 24 training samples";
    EXPECT_EQ(std::ranges::count(said_, warning), 1);
    EXPECT_THAT(said_, Not(Contains(HasSubstr("after epoch 2 no neuron"))));
}

/// Of six epochs at a rate that makes it jump about, the first of those best on the test set.
TEST_F(TrainRun, KeepsTheBestEpochWhereItIsAskedTo) {
    options_.keep_epoch = KeptEpoch::best;
    options_.training.epochs = 6;
    options_.training.learning_rate = 3;
    const TrainResult result = run(options_);
    double most = 0;
    int first = 0;
    for (const EpochSummary& epoch : result.made.epochs)
        if (epoch.test_accuracy.value() > most) most = *epoch.test_accuracy, first = epoch.epoch;
    EXPECT_EQ(result.kept_epoch, std::optional(first));
    EXPECT_EQ(result.made.test.accuracy, most);
    EXPECT_EQ(result.made.options["keep_epoch"], "best");
    TrainRunOptions until = options_;
    until.keep_epoch = KeptEpoch::last;
    until.training.epochs = first;
    until.out = folder_ / "until";
    EXPECT_EQ(run(until).fingerprint, result.fingerprint) << "training that stops there has the same weights";

    TrainRunOptions last = options_;
    last.keep_epoch = KeptEpoch::last;
    EXPECT_FALSE(run(last).kept_epoch) << "the same training, another choice";
}

TEST_F(TrainRun, TheBestOfEpochsThatWereNotKeptIsNotTold) {
    run(options_);
    options_.keep_epoch = KeptEpoch::best;
    EXPECT_THAT(refusal(options_), HasSubstr("the network after epoch 1"));
    options_.restart = true;
    EXPECT_TRUE(run(options_).kept_epoch);
}

TEST_F(TrainRun, StartsFromTheWeightsOfARunOrOfAModel) {
    TrainRunOptions next = from_run();
    next.training.learning_rate = 1e-30;  // so small that no weight changes
    const TrainResult result = run(next);
    const Network before = model(options_.out), after = model(next.out);
    EXPECT_EQ(result.network.text, network_text(before));
    EXPECT_EQ(after.steps, 3);
    for (size_t l = 0; l < 3; ++l) EXPECT_EQ(after.layers[l].weight, before.layers[l].weight);
    next.from = RunDirectory{options_.out}.model();
    next.out = folder_ / "of_file";
    EXPECT_EQ(run(next).fingerprint, result.fingerprint);
    next.steps = 5;
    next.out = folder_ / "longer";
    run(next);
    EXPECT_EQ(model(next.out).steps, 5);
}

TEST_F(TrainRun, AReplacedLastLayerHasTheDrawnWeightsOfANewNetwork) {
    TrainRunOptions next = from_run();
    next.training.learning_rate = 1e-30;
    next.training.seed = 9;
    next.replace_last = true;
    run(next);
    Network drawn = parse_network("4C3-LIF-6F-LIF-2F", {1, 4, 4}, 3);
    initialise_weights(drawn, 9);
    const Network before = model(options_.out), after = model(next.out);
    EXPECT_EQ(after.layers[2].weight, drawn.layers[2].weight);
    EXPECT_EQ(after.layers[2].bias, drawn.layers[2].bias);
    EXPECT_NE(after.layers[2].weight, before.layers[2].weight);
    EXPECT_EQ(after.layers[1].weight, before.layers[1].weight);
}

TEST_F(TrainRun, AModelWithOtherClassesNeedsANewLastLayer) {
    Network other = parse_network("4C3-LIF-6F-LIF-7F", {1, 4, 4}, 3);
    initialise_weights(other, 1);
    save_model(other, folder_ / "other.safetensors");
    options_.from = folder_ / "other.safetensors";
    options_.network.clear();
    EXPECT_THAT(refusal(options_), HasSubstr("the network ends in 7 outputs"));
    options_.replace_last = true;
    run(options_);
    EXPECT_EQ(model(options_.out).class_count(), 2);
}

TEST_F(TrainRun, WhatAModelTellsCannotBeChosen) {
    TrainRunOptions next = from_run();
    next.network = "shallow";
    EXPECT_THAT(refusal(next), HasSubstr("tells them itself"));
    next.network.clear();
    next.neurons.bias = false;
    EXPECT_THAT(refusal(next), HasSubstr("tells them itself"));
    options_.replace_last = true;
    EXPECT_THAT(refusal(options_), HasSubstr("none is given"));
    options_.replace_last = false;
    options_.calibrate = -1;
    EXPECT_THAT(refusal(options_), HasSubstr("0 batches"));
}

TEST_F(TrainRun, EveryOptionBelongsToTheCheckpoint) {
    options_.training.schedule = parse_schedule("cosine");
    options_.training.augmentation = parse_augmentation("crop=1");
    options_.training.freeze = {"conv1"};
    options_.training.accumulate = 2;
    options_.training.warm_up = 1;
    options_.calibrate = 1;
    run(options_);
    const auto refuses = [&](const char* expected, const auto& change) {
        TrainRunOptions changed = options_;
        change(changed);
        EXPECT_THAT(refusal(changed), HasSubstr(expected));
    };
    refuses("schedule = step(1,0.5)",
            [](TrainRunOptions& with) { with.training.schedule = parse_schedule("step(1,0.5)"); });
    refuses("written with schedule = cosine(2)", [](TrainRunOptions& with) { with.training.epochs = 3; });
    refuses("augment", [](TrainRunOptions& with) { with.training.augmentation = {}; });
    refuses("freeze", [](TrainRunOptions& with) { with.training.freeze = {"full2"}; });
    refuses("accumulate", [](TrainRunOptions& with) { with.training.accumulate = 1; });
    refuses("warm_up", [](TrainRunOptions& with) { with.training.warm_up = 0; });
    refuses("calibrate", [](TrainRunOptions& with) { with.calibrate = 2; });
    EXPECT_EQ(run(options_).made.epochs.size(), 2U) << "the same options go on";
}

TEST_F(TrainRun, BalancedThresholdsAreResumedAndNotBalancedAgain) {
    options_.calibrate = 2;
    run(options_);
    const Network whole = model(options_.out);
    EXPECT_NE(whole.layers[0].neuron->threshold, 1.0F);
    TrainRunOptions stopped = options_;
    stopped.out = folder_ / "stopped";
    stopped.checkpoint_every = 0;
    int batches = 0;
    const Execution execution{.progress = [&](const ProgressEvent& event) {
        if (event.task.starts_with("training") && ++batches == 5) throw Cancelled();
    }};
    EXPECT_THROW(train_run(stopped, execution, notes_), Cancelled);
    run(stopped);
    EXPECT_EQ(model_fingerprint(model(stopped.out)), model_fingerprint(whole));
}

TEST_F(TrainRun, AnImportedNetworkCanHaveANewLastLayer) {
    Network source = parse_network("4C3-LIF-6F-LIF-7F", {1, 4, 4}, 3);
    initialise_weights(source, 1);
    save_model(source, folder_ / "source.safetensors");
    ImportOptions import;
    import.file = folder_ / "source.safetensors";
    import.out = folder_ / "imported.safetensors";
    import.replace_last = 2;
    const ImportResult result = import_run(import, {}, notes_);
    EXPECT_THAT(result.assumptions, Contains(HasSubstr("full3, is a new one with 2 outputs")));
    const Network imported = load_model(import.out);
    EXPECT_EQ(imported.class_count(), 2);
    EXPECT_EQ(imported.layers[1].weight, source.layers[1].weight);
    import.replace_last = 0;
    EXPECT_THROW(import_run(import, {}, notes_), InputError);
}

TEST(Forecast, TellsTimesAsPeopleDo) {
    EXPECT_EQ(about_text(61), "61 s");
    EXPECT_EQ(about_text(119), "2 min");
    EXPECT_EQ(about_text(5400), "90 min");
    EXPECT_EQ(about_text(41.2 * 3600), "41 h");
    EXPECT_EQ(about_text(237.0 * 3600), "240 h");
}

}  // namespace
}  // namespace spikelens

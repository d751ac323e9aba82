#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/evaluate/overlap.h"
#include "spikelens/evaluate/statistics.h"
#include "spikelens/pipeline/codings.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/snn/decision.h"

#include "small_data.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Codings : public testing::Test {
  protected:
    void SetUp() override {
        write_small_data(folder_ / "data", 40, 12);
        options_.data = folder_ / "data";
        options_.network = "6F-LIF-2F";
        options_.out = folder_ / "study";
        options_.codings = {"direct", "rate"};
        options_.methods = {"grad2d", "input", "random"};
        options_.steps = 4;
        options_.epochs = 2;
        options_.samples = 8;
        options_.share = 0.25;
        options_.seed = 3;
        execution_.progress = [this](const ProgressEvent& event) { tasks_.insert(event.task); };
        notes_.outlook = [this](const std::string& line) { outlook_.push_back(line); };
    }

    CodingsResult study() {
        tasks_.clear();
        outlook_.clear();
        return compare_codings(options_, execution_, notes_);
    }

    TemporaryFolder folder_;
    CodingsOptions options_;
    Execution execution_;
    StageNotes notes_;
    std::set<std::string> tasks_;
    std::vector<std::string> outlook_;
};

/// The overlap by its definition, of maps that are made anew.
Estimate overlap_of(const CodingsOptions& options, const fs::path& a, const fs::path& b, const std::string& coding_a,
                    const std::string& coding_b, const std::string& method) {
    std::vector<FloatArray> maps;
    std::vector<std::vector<int>> classes;
    std::vector<int64_t> samples;
    for (const auto& [root, coding] : {std::pair{a, coding_a}, {b, coding_b}}) {
        const Run run = Run::open(root);
        const RunData data = run.load_data({}, coding);
        const Explainer explainer(run, {method}, data.test->steps() > 0, options.seed, {});
        samples = draw_samples(data.test->size(), options.samples, options.seed);
        const Input input = data.test->input(samples);
        const FloatArray scores = explainer.engine().run(input).scores;
        classes.push_back(decisions(scores));
        maps.push_back(explainer.maps(explainer.methods()[0], input, predictions(scores), samples));
    }
    std::vector<double> values;
    for (size_t i = 0; i < samples.size(); ++i) {
        const auto n = static_cast<int64_t>(i);
        if (classes[0][i] != kUndecided && classes[1][i] != kUndecided)
            values.push_back(top_overlap(maps[0].row(n), maps[1].row(n), options.share, options.seed, samples[i]));
    }
    return estimate_mean(values);
}

TEST_F(Codings, OverlapsAreThoseOfTheMapsOfEachNetwork) {
    const CodingsResult result = study();
    ASSERT_EQ(result.codings.size(), 2U);
    EXPECT_EQ(result.codings[1].coding, "rate");
    EXPECT_EQ(result.samples, 8);
    const std::vector<std::pair<std::string, std::string>> networks = {
        {"direct", "direct"}, {"rate", "rate"}, {"direct, other seed", "direct-control"}};
    size_t next = 0;
    for (const char* method : {"grad2d", "input"})  // random maps are the same whatever the coding
        for (size_t a = 0; a < 3; ++a)
            for (size_t b = a + 1; b < 3; ++b) {
                const CodingOverlap& pair = result.overlaps.at(next++);
                EXPECT_EQ(pair.method, method);
                EXPECT_EQ(pair.a, networks[a].first);
                EXPECT_EQ(pair.b, networks[b].first);
                const Estimate expected =
                    overlap_of(options_, options_.out / networks[a].second, options_.out / networks[b].second,
                               a == 1 ? "rate" : "direct", b == 1 ? "rate" : "direct", method);
                EXPECT_EQ(pair.samples, expected.samples);
                EXPECT_EQ(pair.overlap, expected.mean);
                EXPECT_EQ(pair.ci95.high, expected.high);
            }
    EXPECT_EQ(next, result.overlaps.size());
    EXPECT_EQ(result.overlaps[4].overlap, 1) << "the same images have the same map";
    EXPECT_EQ(document_of(result), read_json(options_.out / "codings.json"));
    EXPECT_EQ(document_of(read_fields<CodingsResult>(document_of(result), "test")), document_of(result));
}

TEST_F(Codings, EachSampleIsExplainedOnceAndAStudyGoesOn) {
    const CodingsResult first = study();
    EXPECT_THAT(tasks_, AllOf(Contains("evaluating grad2d"), Each(Not(HasSubstr("explaining")))));
    const CodingsResult again = study();  // the runs hold the scores, so that only maps are made
    EXPECT_THAT(tasks_, Contains("explaining by grad2d"));
    EXPECT_EQ(document_of(again), document_of(first));
    options_.samples = 9;
    options_.methods = {"input"};
    const CodingsResult other = study();
    EXPECT_EQ(other.samples, 9);
    EXPECT_EQ(other.overlaps.size(), 3U);
}

TEST_F(Codings, TheStudySaysWhatItAskedForOfWhatTheRunHolds) {
    study();
    options_.methods = {"ig2d:steps=2", "grad2d"};
    const CodingsResult result = study();
    std::vector<std::string> methods;
    for (const EvaluatedMethod& method : result.codings[0].evaluate.methods) methods.push_back(method.method);
    EXPECT_THAT(methods, ElementsAre("ig2d:steps=2", "grad2d"));
    EXPECT_EQ(result.codings[0].evaluate.differences.size(), 2U);  // one by each metric
}

TEST_F(Codings, ASharedClassifierIsTrainedOnce) {
    options_.shared = true;
    const CodingsResult result = study();
    EXPECT_EQ(result.codings[0].run, result.codings[1].run);
    EXPECT_EQ(result.overlaps.size(), 2U);
    EXPECT_EQ(std::ranges::count(outlook_, "training with direct coding"), 1);
    EXPECT_EQ(std::ranges::count(outlook_, "training with rate coding"), 0);
    EXPECT_THAT(tasks_, Contains("test images, rate coding"));
}

TEST_F(Codings, RunsAreLockedAndSayHowTheyAreMadeAgain) {
    std::vector<std::string> locked;
    options_.lock = [&](const fs::path& root) {
        locked.push_back(root.filename());
        return std::make_shared<const RunLock>(root);
    };
    options_.train_again = [](const TrainRunOptions& training) {
        return std::vector<std::string>{"train", training.coding, std::to_string(training.training.seed)};
    };
    options_.evaluate_again = [](const fs::path& run, const EvaluateOptions& evaluation) {
        return std::vector<std::string>{run.filename(), evaluation.coding, evaluation.methods.front()};
    };
    study();
    EXPECT_THAT(locked, ElementsAre("direct", "study", "direct", "rate", "rate", "direct-control", "direct-control"));
    const auto stages = [&](const char* run) { return spikelens::Run::open(options_.out / run).manifest.at("stages"); };
    EXPECT_EQ(stages("direct-control")["train"]["command"], (json{"train", "direct", "4"}));
    EXPECT_EQ(stages("rate")["evaluate"][0]["command"], (json{"rate", "rate", "grad2d"}));
}

TEST_F(Codings, WhatCannotBeComparedIsRefusedBeforeTraining) {
    const auto refused = [&](const std::function<void(CodingsOptions&)>& change) {
        const CodingsOptions before = options_;
        change(options_);
        const std::string sentence = input_error([&] { study(); });
        EXPECT_FALSE(fs::exists(before.out));
        options_ = before;
        return sentence;
    };
    EXPECT_THAT(refused([](auto& o) { o.codings = {"rate"}; }), HasSubstr("two codings"));
    EXPECT_THAT(refused([](auto& o) { o.codings[1] = "morse"; }), HasSubstr("morse"));
    EXPECT_THAT(refused([](auto& o) { o.share = 0; }), HasSubstr("share"));
    EXPECT_THAT(refused([](auto& o) { o.samples = -1; }), HasSubstr("number of samples"));
    EXPECT_THAT(refused([](auto& o) { o.train_samples = -1; }), HasSubstr("training samples"));
    EXPECT_THAT(refused([](auto& o) { o.methods = {}; }), HasSubstr("no method"));
    EXPECT_THAT(refused([](auto& o) { o.methods = {"svebi"}; }), HasSubstr("interpret"));
    EXPECT_THAT(refused([](auto& o) { o.methods = {"gate3d"}; }), HasSubstr("spikes alone"));
}

}  // namespace
}  // namespace spikelens

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/io/files.h"
#include "spikelens/pipeline/run_lock.h"
#include "spikelens/pipeline/shard.h"
#include "spikelens/pipeline/train.h"

#include "small_data.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using OpenRun = spikelens::Run;  // testing::Test has a Run of its own
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Shard, DividesItemsWithoutGapAndOverlap) {
    EXPECT_EQ(shard_text(parse_shard("2/7")), "2/7");
    for (const char* text : {"", "2", "2/", "/7", "0/7", "8/7", "-1/7", "1/7 ", "1/200000", "a/b"})
        EXPECT_THAT(input_error([&] { parse_shard(text); }), HasSubstr("expected i/n")) << text;
    for (const int64_t items : {0, 1, 5, 60})
        for (const int64_t count : {1, 2, 7}) {
            int64_t next = 0;
            for (int64_t number = 1; number <= count; ++number) {
                const auto [first, end] = range_of({number, count}, items);
                EXPECT_EQ(first, next);
                EXPECT_GE(end, first);
                next = end;
            }
            EXPECT_EQ(next, items);
        }
}

/// One run for all tests, trained once; each test works on a copy.
const fs::path& trained() {
    static const TemporaryFolder folder;
    static const fs::path run = [] {
        write_small_data(folder / "data", 9000, 61);  // five blocks of responses, the last one not full
        TrainRunOptions options;
        options.data = (folder / "data").string();
        options.network = "3C3-LIF-2F";
        options.out = folder / "run";
        options.steps = 3;
        options.samples = 200;
        options.training.epochs = 1;
        train_run(options, {}, {});
        return options.out;
    }();
    return run;
}

class Shards : public testing::Test {
  protected:
    Shards() {
        interpret_.mu_max = 3;
        interpret_.draws = 2;
        evaluate_.methods = {"svebi", "gate", "random"};
        evaluate_.metrics = {"insertion", "complexity"};
        evaluate_.samples = 0;
    }

    OpenRun run_in(const std::string& name) {
        const fs::path root = folder_ / name;
        if (!fs::exists(root)) fs::copy(trained(), root, fs::copy_options::recursive);
        return OpenRun::open(root);
    }

    void interpret(const OpenRun& run, const Shard& shard) { interpret_shard(run, interpret_, shard, {}, notes()); }
    void interpret_all(const OpenRun& run, int64_t count) {
        for (int64_t number = count; number >= 1; --number) interpret(run, {number, count});
    }

    StageNotes notes() {
        StageNotes notes;
        notes.message = [this](const std::string& line) { said_.push_back(line); };
        return notes;
    }

    std::string refusal(const OpenRun& run) {
        return input_error([&] { merge_shards(run, {}); });
    }

    TemporaryFolder folder_;
    InterpretOptions interpret_;
    EvaluateOptions evaluate_;
    std::vector<std::string> said_;
};

/// Without what the clock decides, and where the run lies.
json content(json document) {
    if (document.is_object())
        for (const char* name : {"seconds", "seconds_per_explanation", "run"}) document.erase(name);
    for (json& part : document)
        if (part.is_structured()) part = content(std::move(part));
    return document;
}

TEST_F(Shards, OneTwoAndSevenGiveTheBytesOfOneRun) {
    const OpenRun one = run_in("one");
    interpret_run(one, interpret_, {}, {});
    evaluate(one, evaluate_, {}, {});
    for (const int64_t count : {1, 2, 7}) {
        const OpenRun run = run_in("run" + std::to_string(count));
        interpret_all(run, count);
        const MergeResult merged = merge_shards(run, {});
        ASSERT_EQ(merged.merged.size(), 1U);
        EXPECT_EQ(merged.merged[0].file, "responses.h5");
        EXPECT_EQ(merged.merged[0].samples, 9000);
        interpret_run(run, interpret_, {}, {});
        for (const char* file : {"responses.h5", "relevant.json", "ablation.json", "visualisations.h5"})
            EXPECT_TRUE(read_file(run.files.root / file) == read_file(one.files.root / file))
                << file << ", shards: " << count;
        EXPECT_EQ(content(run.document("interpret")), content(one.document("interpret")));

        for (int64_t number = 1; number <= count; ++number) evaluate_shard(run, evaluate_, {number, count}, {}, {});
        EXPECT_EQ(merge_shards(run, {}).merged.size(), evaluate_.methods.size());
        Execution unused;
        unused.progress = [](const ProgressEvent& event) { EXPECT_EQ(event.done, event.total) << "measured anew"; };
        evaluate(run, evaluate_, unused, {});
        EXPECT_EQ(content(run.document("evaluate")), content(one.document("evaluate"))) << "shards: " << count;
    }
}

TEST_F(Shards, MoreShardsThanSamplesMergeToo) {
    const OpenRun one = run_in("one"), run = run_in("many");
    interpret_.samples = 10;
    evaluate_.samples = 2;
    evaluate_.methods = {"gate"};
    evaluate(one, evaluate_, {}, {});
    interpret_all(run, 3);
    for (int64_t number = 1; number <= 3; ++number) evaluate_shard(run, evaluate_, {number, 3}, {}, {});
    EXPECT_EQ(merge_shards(run, {}).merged.size(), 2U);
    evaluate(run, evaluate_, {}, {});
    EXPECT_EQ(content(run.document("evaluate")), content(one.document("evaluate")));
}

TEST_F(Shards, AMissingADoubledAndAForeignShardAreRefused) {
    const OpenRun run = run_in("run");
    EXPECT_THAT(refusal(run), HasSubstr("no shards"));
    const auto file = [&](const Shard& shard) { return shard_directory(run.files, "interpret", shard).responses(); };
    interpret(run, {2, 2});
    EXPECT_THAT(refusal(run), AllOf(HasSubstr("shard 1/2"), HasSubstr("responses.h5 is missing: compute it")));
    interpret(run, {1, 2});
    fs::create_directories(file({9, 9}).parent_path());
    fs::copy_file(file({1, 2}), file({9, 9}));
    EXPECT_THAT(refusal(run), HasSubstr("are both shard 1/2"));
    interpret(run, {9, 9});
    EXPECT_THAT(said_, ElementsAre(HasSubstr("shard 1/2, not 9/9")));
    fs::remove(file({9, 9}));
    interpret_.response = ResponseKind::l2;
    interpret(run, {2, 2});
    EXPECT_THAT(refusal(run), AllOf(HasSubstr("response l2, not energy"), HasSubstr(file({2, 2}).string())));
    EXPECT_FALSE(fs::exists(run.files.responses()));

    interpret(run, {1, 2});
    OpenRun other = run_in("other");
    other.fingerprint = "f";
    fs::create_directories(shards_of(other.files));
    fs::copy(shards_of(run.files), shards_of(other.files), fs::copy_options::recursive);
    EXPECT_THAT(refusal(other), HasSubstr("another model"));
    other = run_in("other");
    other.manifest["data"]["sha256"].begin().value() = std::string(64, '0');
    EXPECT_THAT(refusal(other), HasSubstr("other data"));
    EXPECT_EQ(refusal(run), "");
    EXPECT_THAT(refusal(run), HasSubstr("no shards")) << "merged shards go";
}

TEST_F(Shards, OfSeveralDivisionsTheCompleteOneIsMerged) {
    const OpenRun one = run_in("one"), run = run_in("run");
    interpret_run(one, interpret_, {}, {});
    interpret(run, {2, 3});
    interpret(run, {1, 2});
    EXPECT_THAT(refusal(run), AllOf(HasSubstr("divide the samples differently"), HasSubstr("no division is complete"),
                                    HasSubstr("compute what one lacks")));
    interpret(run, {2, 2});
    interpret(run, {1, 1});
    EXPECT_THAT(refusal(run), AllOf(HasSubstr("more than one division is complete"), HasSubstr("remove the shards")));
    const auto file = [&](const Shard& shard) { return shard_directory(run.files, "interpret", shard).responses(); };
    fs::remove(file({1, 1}));
    EXPECT_THROW(check_division(run, "interpret", 2), InputError);
    const MergeResult merged = merge_shards(run, {});
    EXPECT_EQ(merged.merged.at(0).shards, 2);
    EXPECT_THAT(merged.left, ElementsAre(file({2, 3}).string()));
    EXPECT_TRUE(fs::exists(file({2, 3})));
    EXPECT_TRUE(read_file(run.files.responses()) == read_file(one.files.responses()));
    EXPECT_NO_THROW(check_division(run, "interpret", 2)) << "the run has whole what the stray shard is a part of";
    EXPECT_FALSE(fs::exists(shards_of(run.files)));
}

TEST_F(Shards, AStoppedShardIsRefusedAndGoesOn) {
    const OpenRun one = run_in("one"), run = run_in("run");
    interpret_run(one, interpret_, {}, {});
    int batches = 0;
    Execution stopped;
    stopped.progress = [&](const ProgressEvent&) { ++batches; };
    stopped.cancelled = [&] { return batches >= 2; };
    EXPECT_THROW(interpret_shard(run, interpret_, {1, 2}, stopped, {}), Cancelled);
    interpret(run, {2, 2});
    EXPECT_THAT(refusal(run), AllOf(HasSubstr("not through with its samples"), HasSubstr("shard 1/2")));
    interpret(run, {1, 2});
    merge_shards(run, {});
    EXPECT_TRUE(read_file(run.files.responses()) == read_file(one.files.responses()));
}

TEST_F(Shards, MetricsMeasuredBeforeStay) {
    const OpenRun run = run_in("run");
    evaluate_.methods = {"gate"};
    evaluate_.metrics = {"insertion"};
    evaluate(run, evaluate_, {}, {});
    evaluate_.metrics = {"complexity"};
    for (int64_t number = 1; number <= 2; ++number) evaluate_shard(run, evaluate_, {number, 2}, {}, {});
    merge_shards(run, {});
    evaluate(run, evaluate_, {}, {});
    const json document = run.document("evaluate");
    EXPECT_EQ(document["metrics"], (json{"insertion", "complexity"}));
    for (const json& method : document["methods"]) EXPECT_EQ(method["metrics"].size(), 2U);
}

TEST_F(Shards, ScoresOfAnotherEvaluationAreNotReplaced) {
    const OpenRun run = run_in("run");
    evaluate_.methods = {"gate"};
    evaluate(run, evaluate_, {}, {});
    const std::string before = read_file(run.files.evaluation("gate.h5"));
    evaluate_.samples = 5;
    evaluate_shard(run, evaluate_, {1, 1}, {}, {});
    EXPECT_THAT(refusal(run), AllOf(HasSubstr("gate.h5"), HasSubstr("would replace it")));
    EXPECT_EQ(read_file(run.files.evaluation("gate.h5")), before);
    fs::remove(run.files.evaluation("gate.h5"));
    merge_shards(run, {});
    EXPECT_TRUE(fs::exists(run.files.evaluation("gate.h5")));
}

// Whoever computes a shard holds its folder, and neither the run nor another shard.
TEST_F(Shards, AShardUnderWayIsNotMerged) {
    const OpenRun run = run_in("run");
    interpret_all(run, 2);
    const RunLock working(shard_directory(run.files, "interpret", {2, 2}).root);
    EXPECT_NO_THROW(RunLock(run.files.root));
    EXPECT_NO_THROW(RunLock(shard_directory(run.files, "interpret", {1, 2}).root));
    EXPECT_NO_THROW(RunLock(shard_directory(run.files, "evaluate", {2, 2}).root));
    EXPECT_THROW(merge_shards(run, {}), RunError);
    EXPECT_FALSE(fs::exists(run.files.responses()));
}

}  // namespace
}  // namespace spikelens

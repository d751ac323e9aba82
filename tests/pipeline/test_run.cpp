#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/run.h"
#include "spikelens/pipeline/run_lock.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/pipeline/train.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

template <class Error>
std::string error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

TEST(Identity, EveryInputCountsAndMoreDoNot) {
    const Identity needed = Identity().with({{"model", "m"}, {"data", "d"}, {"mu", 2}});
    EXPECT_EQ(needed.difference(needed.inputs()), "");
    EXPECT_EQ(needed.difference(needed.with({{"draws", 5}}).inputs()), "");
    EXPECT_EQ(needed.difference(needed.with({{"mu", 5}}).inputs()), "mu 5, not 2");
    EXPECT_EQ(needed.difference(needed.with({{"mu", 5}, {"model", "n"}}).inputs()), "another model");
    EXPECT_EQ(needed.difference(needed.with({{"mu", 5}, {"data", "e"}}).inputs()), "other data");
    for (const char* left_out : {"model", "data", "mu"}) {
        json fewer = needed.inputs();
        fewer.erase(left_out);
        EXPECT_NE(needed.difference(fewer), "") << left_out;
    }
    for (const json& anything : {json(), json(3), json("text"), json::array({1}), json::object()})
        EXPECT_NE(needed.difference(anything), "") << anything;
}

TEST(Identity, TheDigestDependsOnNamesAndValuesNotOnOrder) {
    EXPECT_EQ(Identity().with({{"a", 1}, {"b", "x"}}).digest(),
              Identity().with({{"b", "x"}}).with({{"a", 1}}).digest());
    EXPECT_NE(Identity().with({{"a", 1}}).digest(), Identity().with({{"a", "1"}}).digest());
    EXPECT_NE(Identity().with({{"a", 1}}).digest(), Identity().with({{"b", 1}}).digest());
}

class RunFolder : public testing::Test {
  protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        root_ = fs::temp_directory_path() / ("spikelens-run-" + std::to_string(::getpid()) + "-" + test->name());
        fs::remove_all(root_);
        data_.name = "bars";
        data_.sha256 = {{"images", "aa"}, {"labels", "bb"}};
        network_ = parse_network("2F-LIF-2F", {1, 2, 2}, 3);
        initialise_weights(network_, 1);
    }
    void TearDown() override { fs::remove_all(root_); }

    json create(uint64_t seed = 1) {
        const json document = {
            {"command", "train"}, {"fingerprint", model_fingerprint(network_)}, {"network", json::object()}};
        return create_run(
            {root_},
            {network_, data_, "mnist", "train", {{"train"}, seed}, {"train", "--out", "x"}, json::object(), document});
    }

    spikelens::Run open() const { return spikelens::Run::open(root_); }

    fs::path root_;
    RunData data_;
    Network network_;
};

TEST_F(RunFolder, TheIdentityIsTheSameFromTheDataAndFromTheManifest) {
    create();
    EXPECT_EQ(open().identity(), Identity().with({{"model", model_fingerprint(network_)}}).with(data_inputs(data_)));
    data_.coding = parse_coding("rate");
    data_.coding_seed = 9;
    create(9);
    const Identity coded = open().identity();
    EXPECT_EQ(coded, Identity().with({{"model", model_fingerprint(network_)}}).with(data_inputs(data_)));
    EXPECT_EQ(coded.inputs().at("coding_seed"), 9);
}

TEST_F(RunFolder, EverythingThatTheDataAreChangesTheIdentity) {
    create();
    const Identity first = open().identity();
    const auto changed = [&](const std::function<void()>& change) {
        change();
        create(data_.coding_seed);
        const std::string difference = open().identity().difference(first.inputs());
        EXPECT_NE(difference, "");
    };
    changed([&] { data_.sha256["labels"] = "cc"; });
    changed([&] { data_.sha256 = {{"images", "aa"}, {"labels", "bb"}, {"more", "cc"}}; });
    data_.sha256 = {{"images", "aa"}, {"labels", "bb"}};
    create();
    EXPECT_EQ(open().identity(), first);
    changed([&] { data_.coding = parse_coding("rate"); });
    changed([&] { data_.coding = parse_coding("latency"); });
    data_.coding = {};
    changed([&] { data_.binning = "5x10ms"; });
    data_.binning = "";
    changed([&] { network_.layers[0].weight.data[0] += 1; });
}

TEST_F(RunFolder, AModelOfAnotherRunThanTheManifestTellsOfIsRefused) {
    create();
    const std::string manifest = read_file(root_ / "manifest.json");
    initialise_weights(network_, 2);
    create(2);
    write_file(root_ / "manifest.json", manifest);  // killed between model and manifest
    EXPECT_THAT(error_of<InputError>([&] { open(); }),
                AllOf(HasSubstr("model.safetensors is not the model that"), HasSubstr("import it again")));
    create(2);
    EXPECT_EQ(open().fingerprint, model_fingerprint(network_));
}

TEST_F(RunFolder, WarningsOfTheTrainingComeWithTheRun) {
    TrainResult result;
    result.fingerprint = model_fingerprint(network_);
    result.made.activity.emplace().silent_layers = {"full1"};
    const auto make = [&] {
        create_run({root_},
                   {network_, data_, "mnist", "train", {{"train"}, 1}, {"train"}, json::object(), document_of(result)});
    };
    make();
    EXPECT_THAT(open().warnings, testing::ElementsAre(HasSubstr("no neuron of full1 spikes")));
    result.made.activity->silent_layers.clear();
    make();
    EXPECT_THAT(open().warnings, testing::IsEmpty());
}

TEST_F(RunFolder, AnInterruptedImportIsNoticed) {
    create();
    const std::string manifest = read_file(root_ / "manifest.json");
    data_.sha256["images"] = "other";
    create();
    write_file(root_ / "manifest.json", manifest);  // model and train.json were written, the manifest was not
    const auto run = open();
    EXPECT_EQ(run.why_stale(run.document("train")), "other data");
}

TEST_F(RunFolder, LaterStagesAreForgottenWithTheirModelOrData) {
    create();
    record_stage({root_}, "interpret", {{"interpret", "x"}, 4});
    record_calls({root_}, "evaluate", {{{"evaluate", "x"}, 1}, {{"evaluate", "x", "--methods", "random"}, 1}});
    record_call({root_}, "explain", {{"explain", "x"}, 1}, true);
    record_call({root_}, "explain", {{"explain", "x", "y"}, 1}, true);
    record_call({root_}, "explain", {{"explain", "x"}, 1}, true);
    json stages = open().manifest["stages"];
    EXPECT_EQ(stages["interpret"], json({{"command", {"interpret", "x"}}, {"seed", 4}}));
    EXPECT_EQ(stages["evaluate"].size(), 2U);
    EXPECT_EQ(stages["explain"].size(), 2U);
    record_call({root_}, "explain", {{"explain", "x"}, 1}, false);
    EXPECT_EQ(open().manifest["stages"]["explain"].size(), 1U);
    create();  // the same network and data
    EXPECT_EQ(open().manifest["stages"].size(), 4U);
    data_.sha256["images"] = "other";
    create();
    EXPECT_EQ(open().manifest["stages"].size(), 1U);
}

TEST_F(RunFolder, AResultFileBelongsToItsModelAndData) {
    create();
    const auto before = open();
    save_ablation({}, before.identity_of("ablation", 1).with({{"draws", 5}}).inputs(), before.files.ablation());
    EXPECT_EQ(before.why_stale(before.files.ablation()), "");
    data_.sha256["images"] = "other";
    create();
    EXPECT_EQ(open().why_stale(before.files.ablation()), "other data");
    save_ablation({}, nullptr, before.files.ablation());
    EXPECT_NE(open().why_stale(before.files.ablation()), "");
}

TEST_F(RunFolder, ADocumentOfTheWrongTypesIsRefusedByName) {
    create();
    const json good = read_json(root_ / "manifest.json");
    const std::vector<std::pair<std::string, json>> changes = {{"/data", 1},
                                                               {"/data/name", 1},
                                                               {"/data/source", json::array()},
                                                               {"/data/sha256", 1},
                                                               {"/data/sha256/images", 1},
                                                               {"/data/coding", "rat"},
                                                               {"/data/binning", 5},
                                                               {"/seed", "1"},
                                                               {"/seed", -1},
                                                               {"/seed", 1.5},
                                                               {"/options", 1},
                                                               {"/options/surrogate", 1},
                                                               {"/stages", 1},
                                                               {"/stages/train", 1},
                                                               {"/stages/train/command", {1}},
                                                               {"/identity", "x"}};
    for (const auto& [place, value] : changes) {
        json bad = good;
        bad[json::json_pointer(place)] = value;
        write_json(root_ / "manifest.json", bad);
        EXPECT_THAT(error_of<InputError>([&] { open(); }), HasSubstr((root_ / "manifest.json").string()))
            << place << value;
    }
    write_json(root_ / "manifest.json", good);
    EXPECT_EQ(open().seed(), 1U);
}

TEST_F(RunFolder, OneWriterAtATime) {
    {
        const RunLock first(root_ / "sub" / "run");
        EXPECT_TRUE(first.covers(root_ / "sub" / ".." / "sub" / "run"));
        EXPECT_FALSE(first.covers(root_));
        EXPECT_THAT(error_of<RunError>([&] { const RunLock second(root_ / "sub" / "run"); }),
                    AllOf(HasSubstr("another process"), HasSubstr((root_ / "sub" / "run").string())));
        int waits = 0;
        EXPECT_EQ(error_of<std::logic_error>([&] {
                      const RunLock second(root_ / "sub" / "run", [&] {
                          if (++waits == 3) throw std::logic_error("enough");
                      });
                  }),
                  "enough");
        const RunLock other(root_);  // another run
    }
    const RunLock again(root_ / "sub" / "run");
}

TEST_F(RunFolder, ALockEndsWithItsProcess) {
    fs::create_directories(root_);
    int locked[2];
    ASSERT_EQ(::pipe(locked), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const RunLock lock(root_);
        if (::write(locked[1], "x", 1) != 1) ::_exit(1);
        ::pause();
    }
    char byte = 0;
    ASSERT_EQ(::read(locked[0], &byte, 1), 1);
    EXPECT_THAT(error_of<RunError>([&] { const RunLock lock(root_); }), HasSubstr("another process"));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const RunLock lock(root_);
}

TEST_F(RunFolder, AFileInPlaceOfTheFolderStays) {
    write_file(root_, "mine");
    EXPECT_THAT(error_of<InputError>([&] { const RunLock lock(root_); }), HasSubstr(root_.string()));
    EXPECT_THAT(error_of<InputError>([&] { const RunLock lock(root_ / "below"); }), HasSubstr(root_.string()));
    EXPECT_EQ(read_file(root_), "mine");
}

}  // namespace
}  // namespace spikelens

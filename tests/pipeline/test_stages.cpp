// The stages one after another on a run of its own: small images of bars that a small network learns in a moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/io/array_file.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/inspect.h"
#include "spikelens/pipeline/results.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/report/stage.h"

#include "data/idx_files.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing_data::TemporaryFolder;

constexpr uint32_t kSide = 8;

/// A bar, level or upright, where the index says.
std::string bar(uint32_t index) {
    std::string pixels(kSide * kSide, '\0');
    const uint32_t at = index / 2 % kSide;
    for (uint32_t i = 0; i < kSide; ++i)
        pixels[index % 2 == 0 ? at * kSide + i : i * kSide + at] = static_cast<char>(200 + at);
    return pixels;
}

void put_set(const fs::path& folder, const std::string& name, uint32_t count) {
    std::string pixels, labels;
    for (uint32_t i = 0; i < count; ++i) {
        pixels += bar(i);
        labels += static_cast<char>(i % 2);
    }
    testing_data::put(folder / (name + "-images-idx3-ubyte"), testing_data::idx_bytes({count, kSide, kSide}, pixels));
    testing_data::put(folder / (name + "-labels-idx1-ubyte"), testing_data::idx_bytes({count}, labels));
}

class Stages : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_ = new TemporaryFolder();
        fs::create_directory(*folder_ / "bars");
        put_set(*folder_ / "bars", "train", 64);
        put_set(*folder_ / "bars", "t10k", 16);
        TrainRunOptions options;
        options.data = (*folder_ / "bars").string();
        options.network = "3C3-LIF-MP2-2F";
        options.steps = 3;
        options.training.epochs = 2;
        options.training.batch = 16;
        options.out = *folder_ / "trained";
        train_run(options, {}, {});
        InterpretOptions interpretation;
        interpretation.mu_max = 3;
        interpretation.draws = 2;
        interpret_run(Run::open(options.out), interpretation, {}, {});
    }
    static void TearDownTestSuite() { delete folder_; }

    void SetUp() override {
        root_ = *folder_ / testing::UnitTest::GetInstance()->current_test_info()->name();
        fs::copy(*folder_ / "trained", root_);
        notes_.message = [this](const std::string& line) { said_.push_back(line); };
    }

    spikelens::Run run() const { return spikelens::Run::open(root_); }
    EvaluateResult evaluate_now(const std::vector<std::string>& methods) const {
        EvaluateOptions options;
        options.methods = methods;
        options.samples = 6;
        return evaluate(run(), options, {}, notes_);
    }
    void interpret_anew() const {
        InterpretOptions options;
        options.mu = 3;
        options.mu_max = 3;
        options.draws = 2;
        interpret_run(run(), options, {}, {});
    }

    static TemporaryFolder* folder_;
    fs::path root_;
    StageNotes notes_;
    std::vector<std::string> said_;
};
TemporaryFolder* Stages::folder_ = nullptr;

TEST_F(Stages, ResultsComeBackAsTheStagesGaveThem) {
    const EvaluateResult evaluated = evaluate_now({"svebi", "grad2d", "random"});
    const RunResults results = current_results(run(), notes_);
    EXPECT_EQ(document_of(results.evaluate.value()), document_of(evaluated));
    EXPECT_EQ(document_of(results.train.value()), read_json(root_ / "train.json"));
    EXPECT_EQ(document_of(results.interpret.value()), read_json(root_ / "interpret.json"));
    EXPECT_FALSE(results.import);
    EXPECT_THAT(said_, IsEmpty());
}

TEST_F(Stages, WhatIsOfOtherFiltersIsLeftOutAndSaid) {
    evaluate_now({"svebi", "grad2d", "random"});
    interpret_anew();
    const RunResults results = current_results(run(), notes_);
    EXPECT_THAT(said_, ElementsAre(HasSubstr("left out: svebi of " + (root_ / "evaluate.json").string())));
    EXPECT_EQ(results.evaluate->method("svebi"), nullptr);
    EXPECT_EQ(results.evaluate->methods.size(), 2U);
    EXPECT_EQ(results.evaluate->differences.size(), 2U);  // of two methods by two metrics
    EXPECT_TRUE(results.interpret);
}

TEST_F(Stages, ADocumentThatLacksAFieldIsRefusedByName) {
    evaluate_now({"random"});
    for (const char* stage : {"train", "interpret", "evaluate"}) {
        const fs::path file = root_ / (std::string(stage) + ".json");
        const json whole = read_json(file);
        json fewer = whole;
        fewer.erase("seed");
        write_json(file, fewer);
        EXPECT_THAT(testing_data::message_of<InputError>([&] { current_results(run(), notes_); }),
                    AllOf(HasSubstr(file.string()), HasSubstr("seed")));
        write_json(file, whole);
    }
}

TEST_F(Stages, ScoresOfAnotherProtocolGoAndFilesOfOthersStay) {
    evaluate_now({"random", "input"});
    write_arrays(root_ / "evaluate" / "mine.h5", {{{"undecided", Array<int64_t>({1}, 3)}}, {{"identity", "{}"}}, {}});
    EvaluateOptions options;
    options.methods = {"random"};
    options.samples = 5;
    evaluate(run(), options, {}, notes_);
    EXPECT_THAT(said_, ElementsAre(HasSubstr("is replaced"), AllOf(HasSubstr("removed from"), HasSubstr("input.h5"))));
    EXPECT_TRUE(fs::exists(root_ / "evaluate" / "mine.h5"));
    EXPECT_FALSE(fs::exists(root_ / "evaluate" / "input.h5"));
}

TEST_F(Stages, TheReportShowsWhatTheRunHolds) {
    evaluate_now({"svebi", "random"});
    ReportOptions options;
    options.images = 4;
    options.again = {"report", "RUN"};
    const ReportResult result = report_run(run(), options, {}, notes_);
    EXPECT_EQ(result.report, (root_ / "report.html").string());
    EXPECT_EQ(result.images.size(), 4U);
    const std::string page = read_file(result.report);
    EXPECT_EQ(static_cast<int64_t>(page.size()), result.bytes);
    for (const char* part : {"spikelens report RUN", "id=\"ablation\"", "id=\"curve-insertion\"", "id=\"confusion\""})
        EXPECT_THAT(page, HasSubstr(part));
    EXPECT_THAT(said_, IsEmpty());
    options.out = *folder_ / "bars" / "train-images-idx3-ubyte";
    EXPECT_THROW(report_run(run(), options, {}, notes_), InputError);  // not a report of ours
}

TEST_F(Stages, TheReportOfATrainedRunAloneSaysWhatIsMissing) {
    for (const char* file : {"interpret.json", "relevant.json", "visualisations.h5"}) fs::remove(root_ / file);
    ReportOptions options;
    options.images = 2;
    options.out = root_ / "page.html";
    const std::string page = read_file(report_run(run(), options, {}, notes_).report);
    for (const char* stage : {"interpret", "evaluate"})
        EXPECT_THAT(page, HasSubstr(std::string("spikelens ") + stage + " " + root_.string()));
}

TEST_F(Stages, InspectTellsOfTheNetworkAndOfItsSpikes) {
    const InspectResult of_run = inspect_run(run(), {.samples = 16}, {}),
                        of_file = inspect_model(root_ / "model.safetensors", {});
    ASSERT_EQ(of_run.layers.size(), 2U);
    const LayerSummary& conv = of_run.layers[0];
    EXPECT_EQ(conv.parameters, 3 * 9 + 3);
    EXPECT_EQ(conv.output, (std::vector<int>{3, 8, 8}));
    EXPECT_EQ(conv.pool->output, (std::vector<int>{3, 4, 4}));
    EXPECT_EQ(of_run.activity_samples, 16);
    EXPECT_FALSE(of_run.images_per_second);
    EXPECT_FALSE(of_file.layers[0].dead_filters);

    // The same from a simulation here.
    const spikelens::Run opened = run();
    const RunData data = opened.load_data({});
    std::vector<int64_t> all(16);
    for (int64_t i = 0; i < 16; ++i) all[i] = i;
    const Recording recording =
        CpuEngine(opened.network, {}).run(data.test->input(all), {.layers = {0}, .counts = true});
    const Array<uint16_t>& counts = recording.layers[0].counts;
    double spikes = 0;
    int64_t dead = 0;
    for (int64_t filter = 0; filter < 3; ++filter) {
        int64_t of_filter = 0;
        for (int64_t n = 0; n < 16; ++n)
            for (int64_t i = 0; i < 64; ++i) of_filter += counts.row(n)[filter * 64 + i];
        spikes += static_cast<double>(of_filter);
        dead += of_filter == 0 ? 1 : 0;
    }
    EXPECT_DOUBLE_EQ(conv.spikes_per_neuron_and_step.value(), spikes / (16 * 3 * 64 * 3));
    EXPECT_EQ(conv.dead_filters, dead);
    EXPECT_THROW(inspect_run(opened, {.samples = -1}, {}), InputError);
}

TEST_F(Stages, ExportsTheSameNetwork) {
    const ExportResult result = export_model(root_, root_ / "copy.safetensors");
    EXPECT_EQ(inspect_model(result.out, {}).fingerprint, run().fingerprint);
    EXPECT_THROW(export_model(root_, root_ / "copy.onnx"), InputError);
}

}  // namespace
}  // namespace spikelens

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/io/picture.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/pipeline/explain.h"
#include "spikelens/pipeline/explainer.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/store.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/snn/network.h"

#include "small_data.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A run of a network that was not trained, on four test images.
class Explain : public testing::Test {
  protected:
    void SetUp() override {
        write_small_data(folder_ / "data", 6, 4);
        make_run(1);
        options_.test = {0, 2};
        options_.methods = {"grad2d", "random"};
        options_.out = folder_ / "maps";
        notes_.message = [this](const std::string& line) { said_.push_back(line); };
    }

    void make_run(uint64_t seed) {
        const std::string data = folder_ / "data";
        const RunData loaded = load_run_data(data, {}, 3, 1, {});
        Network network = parse_network("3F-LIF-2F", {1, 4, 4}, 3);
        network.classes = loaded.test->classes();
        initialise_weights(network, seed);
        create_run({folder_ / "run"},
                   {network,
                    loaded,
                    data,
                    "train",
                    {{"train"}, 1},
                    {"train"},
                    json::object(),
                    {{"command", "train"}, {"fingerprint", model_fingerprint(network)}, {"network", json::object()}}});
    }
    spikelens::Run run() const { return spikelens::Run::open(folder_ / "run"); }
    ExplainResult explain() { return explain_run(run(), options_, execution_, notes_); }
    ExplainResult kept() const {
        const fs::path path = options_.out / "explain.json";
        return read_fields<ExplainResult>(read_json(path), path.string());
    }
    std::string refusal() {
        return input_error([&] { explain(); });
    }

    TemporaryFolder folder_;
    ExplainOptions options_;
    Execution execution_;
    StageNotes notes_;
    std::vector<std::string> said_;
};

TEST_F(Explain, ResultAndFilesSayWhatNetworkAndMethodsSay) {
    options_.windows = 2;
    const ExplainResult result = explain();
    ASSERT_EQ(result.images.size(), 2U);
    EXPECT_EQ(result.map_count(), 4);
    const auto run = this->run();
    const RunData data = run.load_data({});
    const Explainer explainer(run, options_.methods, false, options_.seed, {});
    for (size_t i = 0; i < 2; ++i) {
        const ExplainedImage& image = result.images[i];
        const std::vector<int64_t> sample{options_.test[i]};
        const Input input = data.test->input(sample);
        const FloatArray scores = explainer.engine().run(input).scores;
        EXPECT_EQ(image.scores, scores.data);
        EXPECT_EQ(image.predicted, predictions(scores)[0]);
        EXPECT_EQ(image.target, image.predicted);
        EXPECT_EQ(image.predicted_name, data.test->classes()[image.predicted]);
        EXPECT_EQ(image.label, data.test->label(sample[0]));
        EXPECT_EQ(image.sample, sample[0]);
        EXPECT_EQ(png_texts(options_.out / image.file).at("Software"), "Spikelens");
        for (size_t m = 0; m < 2; ++m) {
            const MapSummary& map = image.maps[m];
            const FloatArray values = explainer.maps(explainer.methods()[m], input, predictions(scores), sample);
            EXPECT_EQ(map.method, options_.methods[m]);
            EXPECT_EQ(map.minimum, *std::ranges::min_element(values.data));
            EXPECT_EQ(map.maximum, *std::ranges::max_element(values.data));
            EXPECT_EQ(map.state == "values", !map.remark);
            EXPECT_EQ(map.surrogate.has_value(), map.method == "grad2d");
            for (const std::string& file : {map.map, map.overlay, map.values})
                EXPECT_TRUE(fs::exists(options_.out / file)) << file;
        }
    }
    EXPECT_EQ(document_of(kept()), document_of(result));
    EXPECT_THAT(said_, IsEmpty());
}

TEST_F(Explain, AFolderKeepsWhatEarlierCallsExplained) {
    const ExplainResult first = explain();
    options_.test = {2, 3};
    options_.methods = {"random", "input"};
    const ExplainResult second = explain();
    EXPECT_EQ(second.map_count(), 4);
    const ExplainResult all = kept();
    ASSERT_EQ(all.images.size(), 3U);
    EXPECT_EQ(all.images[0].image, "test image 2");
    const auto methods = [](const ExplainedImage& image) {
        std::vector<std::string> names;
        for (const MapSummary& map : image.maps) names.push_back(map.method);
        return names;
    };
    EXPECT_THAT(methods(all.images[0]), ElementsAre("random", "input", "grad2d"));
    EXPECT_THAT(methods(all.images[1]), ElementsAre("random", "input"));
    EXPECT_EQ(document_of(all.images[2]), document_of(first.images[0]));
    EXPECT_THAT(said_, IsEmpty());

    make_run(2);
    explain();
    EXPECT_EQ(kept().map_count(), 4);
    EXPECT_THAT(said_, ElementsAre(HasSubstr("7 maps of another model or other data are no longer listed")));
}

TEST_F(Explain, TheRunsOwnFolderRecordsHowItIsMadeAgain) {
    options_.out.clear();
    options_.again = [](const std::vector<std::string>& methods) { return methods; };
    const auto calls = [&] {
        std::vector<json> list;
        const json manifest = run().manifest;
        for (const json& call : manifest.at("stages").at("explain")) list.push_back(call["command"]);
        return list;
    };
    explain();
    EXPECT_THAT(calls(), ElementsAre(json{"grad2d", "random"}));
    options_.test = {1};
    options_.methods = {};
    explain();
    EXPECT_THAT(calls(), ElementsAre(json{"grad2d", "random"},
                                     json{"share", "grad2d", "ig2d"}));  // no relevant filters, no svebi
    EXPECT_TRUE(fs::exists(folder_ / "run/explain/explain.json"));
}

TEST_F(Explain, FilesAreExplainedOnceAndForTheClassAsked) {
    const FloatArray picture({1, 8, 4}, std::vector<float>(32, 0.25F));
    FloatArray other = picture;
    other.data[5] = 1;
    for (const char* name : {"a/one.png", "b/one.png"}) write_png(folder_ / name, other);
    options_.test = {};
    options_.files = {folder_ / "a/one.png", folder_ / "b/one.png"};
    options_.target = "right";
    const ExplainResult result = explain();
    ASSERT_EQ(result.images.size(), 1U);
    EXPECT_EQ(result.images[0].target_name, "right");
    EXPECT_FALSE(result.images[0].label);
    EXPECT_THAT(result.images[0].changes, Contains(HasSubstr("resized")));
    EXPECT_EQ(document_of(result)["images"][0]["label"], nullptr);
    EXPECT_THAT(said_, Contains(AllOf(HasSubstr("b/one.png"), HasSubstr("explained once"))));
    options_.target = "1";
    EXPECT_EQ(explain().images[0].target, 1);
}

TEST_F(Explain, WhatCannotBeExplainedIsRefusedBeforeAnythingIsWritten) {
    const auto refused = [&](const std::function<void(ExplainOptions&)>& change) {
        const ExplainOptions before = options_;
        change(options_);
        const std::string sentence = refusal();
        EXPECT_FALSE(fs::exists(before.out));
        options_ = before;
        return sentence;
    };
    EXPECT_THAT(refused([](auto& o) { o.test = {4}; }), HasSubstr("has images 0 to 3"));
    EXPECT_THAT(refused([](auto& o) { o.test = {-1}; }), HasSubstr("has images 0 to 3"));
    EXPECT_THAT(refused([](auto& o) { o.test = {}; }), HasSubstr("nothing to explain"));
    EXPECT_THAT(refused([](auto& o) { o.windows = 0; }), HasSubstr("the number of windows must be 1 or more"));
    EXPECT_THAT(refused([](auto& o) { o.target = "2"; }), HasSubstr("a class index below 2"));
    EXPECT_THAT(refused([](auto& o) { o.target = "lefft"; }), HasSubstr("'left'"));
    EXPECT_THAT(refused([](auto& o) { o.background = Background{}; }), HasSubstr("background"));
    EXPECT_THAT(refused([](auto& o) { o.methods = {"svebi"}; }), HasSubstr("relevant filters"));
    EXPECT_THAT(refused([](auto& o) { o.files = {"nowhere.png"}; }), HasSubstr("nowhere.png"));
    EXPECT_THAT(refused([&](auto& o) { o.out = folder_ / "run"; }), HasSubstr("is a run directory"));
}

TEST_F(Explain, WhatShowsConvolutionsIsUsualWhereThereAreSome) {
    const Network flat = parse_network("3F-LIF-2F", {1, 4, 4}, 3), deep = parse_network("3C3-LIF-2F", {1, 4, 4}, 3);
    for (const std::string method : {"svebi", "sam", "gradcam", "conductance"}) {
        EXPECT_FALSE(can_explain(method, flat)) << method;
        EXPECT_TRUE(can_explain(method, deep)) << method;
    }
    EXPECT_THAT(usual_methods(deep, false), Contains("svebi"));
    for (const bool spiking : {false, true})
        EXPECT_THAT(usual_methods(flat, spiking), Not(AnyOf(Contains("svebi"), Contains("sam"))));
}

/// Of windows of time the text names the one that brought the most, and how much of what all brought. None is named
/// where none spoke for the class.
TEST_F(Explain, TheWindowOfTimeThatBroughtTheMostIsNamed) {
    ExplainedImage image;
    image.scores = {0, 1};
    image.probabilities = {0.3, 0.7};
    image.predicted = 1;
    Decided when;
    when.steps = 6, when.decided = 2;
    when.windows = {{0, 2, 0.4}, {2, 3, 0.45}, {3, 6, -0.05}};
    const auto text = [&] {
        image.when = when;
        ExplainResult result;
        result.images = {image};
        return text_of(result, parse_network("3F-LIF-2F", {1, 4, 4}, 6));
    };
    EXPECT_THAT(text(), HasSubstr("decided after step 2 of 6; step 3 brought the most of the score, 0.45 of 0.8\n"));
    when.windows[0].share = 0.5;
    EXPECT_THAT(text(), HasSubstr("; steps 1 to 2 brought the most of the score, 0.5 of\n  0.9\n"));
    for (Decided::Window& window : when.windows) window.share = -0.1;
    EXPECT_THAT(text(), HasSubstr("decided after step 2 of 6\n"));
}

TEST_F(Explain, ADamagedDocumentIsRefusedAndStays) {
    explain();
    const fs::path path = options_.out / "explain.json";
    json document = read_json(path);
    document["images"][1]["maps"][0].erase("state");
    write_json(path, document);
    EXPECT_THAT(refusal(),
                AllOf(HasSubstr("explain.json: images[1].maps[0].state is missing"), HasSubstr("remove it")));
    EXPECT_EQ(read_json(path), document);
}

TEST_F(Explain, WhatIsCancelledKeepsTheSamplesThatAreDone) {
    bool stop = false;
    execution_.progress = [&](const ProgressEvent& event) { stop = event.task == "explaining" && event.done == 1; };
    execution_.cancelled = [&] { return stop; };
    EXPECT_THROW(explain(), Cancelled);
    ASSERT_EQ(kept().images.size(), 1U);
    EXPECT_EQ(kept().images[0].image, "test image 0");
}

}  // namespace
}  // namespace spikelens

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/attribute/method_options.h"
#include "spikelens/data/dataset.h"
#include "spikelens/io/files.h"
#include "spikelens/pipeline/catalogue.h"
#include "spikelens/pipeline/evaluate.h"
#include "spikelens/pipeline/fields.h"
#include "spikelens/pipeline/text.h"
#include "spikelens/pipeline/train.h"
#include "spikelens/report/stage.h"

#include "data/idx_files.h"
#include "event_readers.h"
#include "support/errors.h"

// A method, a metric, an engine and a format of recordings, each added by one file and one line (docs/extending.md), on
// their way through the library. Nothing but their files and their lines knows them.

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing_data::put;
using testing_data::TemporaryFolder;

TEST(Toys, AreTheExamplesOfTheDocument) {
    const fs::path root = SPIKELENS_SOURCE_DIR;
    const std::string document = read_file(root / "docs/extending.md");
    for (const char* toy : {"tests/toys/grad_input.cpp", "tests/toys/peak.cpp"})
        EXPECT_THAT(document, HasSubstr("```cpp\n" + read_file(root / toy) + "```"));
}

TEST(ToyMethod, IsListedParsedAndDescribed) {
    std::vector<std::string> names;
    const json document = document_of(list_methods());
    for (const json& method : document["methods"]) names.push_back(method["method"]);
    EXPECT_THAT(names, Contains("grad_input"));
    EXPECT_EQ(document_of(describe_method("grad_input"))["methods"][0]["options"], options_text("grad_input"));
    EXPECT_EQ(parse_method("grad_input:view=absolute:baseline=blur").canonical,
              "grad_input:baseline=blur:view=absolute");
    EXPECT_EQ(options_text("grad_input"), "baseline=black (black, blur or mean): what differences are measured from");
    EXPECT_THAT(input_error([] { parse_method("grad_inptu"); }), HasSubstr("grad_input"));
    EXPECT_THAT(input_error([] { parse_method("grad_input:basline=mean"); }), HasSubstr("'baseline'"));
}

/// A trained run on this data.
Run run_on(const fs::path& data, const fs::path& out, const std::string& network) {
    TrainRunOptions options;
    options.data = data.string();
    options.network = network;
    options.out = out;
    options.steps = 3;
    options.training.epochs = 1;
    train_run(options, {}, {});
    return Run::open(out);
}

/// The page of a run with these methods.
std::string report_of(const spikelens::Run& run, const std::vector<std::string>& methods) {
    ReportOptions options;
    options.images = 2;
    options.methods = methods;
    return read_file(report_run(run, options, {}, {}).report);
}

TEST(Toys, AreEvaluatedAndReported) {
    const TemporaryFolder folder;
    fs::create_directories(folder / "data");
    for (const auto& [name, count] : {std::pair{"train", 20U}, {"t10k", 8U}}) {
        std::string pixels(16 * count, '\0'), labels(count, '\0');
        for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(53 * i % 251);
        for (size_t n = 0; n < count; ++n) labels[n] = static_cast<char>(n % 2);
        put(folder / ("data/" + std::string(name) + "-images-idx3-ubyte"),
            testing_data::idx_bytes({count, 4, 4}, pixels));
        put(folder / ("data/" + std::string(name) + "-labels-idx1-ubyte"), testing_data::idx_bytes({count}, labels));
    }
    const spikelens::Run run = run_on(folder / "data", folder / "run", "3C3-LIF-2F");
    EvaluateOptions options;
    options.methods = {"grad_input", "random"};
    options.metrics = {"insertion", "peak"};
    options.samples = 0;
    evaluate(run, options, {}, {});
    const json document = run.document("evaluate");
    EXPECT_EQ(document["methods"][0]["method"], "grad_input");
    ASSERT_EQ(document["methods"][0]["metrics"].size(), 2U);
    EXPECT_EQ(document["methods"][0]["metrics"][1]["metric"], "peak");
    const std::string page = report_of(run, {"grad_input"});
    EXPECT_THAT(page, HasSubstr(parse_method("grad_input").method->info().title));
    EXPECT_THAT(page, HasSubstr("peak"));
}

TEST(ToyMetric, IsListedAndDescribed) {
    std::vector<std::string> names;
    const json document = document_of(list_methods());
    for (const json& metric : document["metrics"]) names.push_back(metric["metric"]);
    EXPECT_THAT(names, Contains("peak"));
    EXPECT_THAT(text_of(describe_method("peak")), HasSubstr("Largest value of the map"));
}

TEST(ToyEngine, IsListedAndMade) {
    EXPECT_EQ(document_of(list_methods())["engines"], (json{"cpu", "one_by_one"}));
    const auto network = std::make_shared<const Network>(parse_network("3C3-LIF-2F", {1, 4, 4}, 3));
    EXPECT_EQ(make_engine("one_by_one", network)->network().class_count(), 2);
}

/// Events of class c lie in column c.
std::string toy_bytes(int label, int events) {
    std::string bytes = "TOY1";
    for (int i = 0; i < events; ++i) {
        bytes += static_cast<char>(i / 4);
        bytes += static_cast<char>(label);
        bytes += static_cast<char>(i % 4);
        bytes += static_cast<char>(i % 2);
    }
    return bytes;
}

TEST(ToyReader, IsToldByContentAndRefusesDamage) {
    const TemporaryFolder folder;
    const std::string bytes = toy_bytes(1, 12);
    put(folder / "a", bytes);
    const EventRecording recording = read_events(folder / "a");
    EXPECT_EQ(recording.format, "toy");
    ASSERT_EQ(recording.events.size(), 12U);
    EXPECT_EQ(recording.events[5], (Event{1000, 1, 1, 1}));
    EXPECT_TRUE(has_event_ending("recording.TOY"));
    for (size_t size = 0; size < bytes.size(); ++size) {
        put(folder / "a", bytes.substr(0, size));
        const std::string said = input_error([&] { read_events(folder / "a"); });
        const std::string expected = size < 4 ? "the toy's (TOY1)" : size % 4 != 0 ? "truncated" : "";
        EXPECT_THAT(said, HasSubstr(expected)) << size;
    }
}

TEST(ToyReader, ItsRecordingsAreTrainedOnEvaluatedAndReported) {
    const TemporaryFolder folder;
    for (const auto& [part, count] : {std::pair{"train", 12}, {"test", 6}})
        for (int i = 0; i < count; ++i) {
            const fs::path place = folder / ("data/" + std::string(part) + "/" + (i % 2 ? "right" : "left"));
            fs::create_directories(place);
            put(place / (std::to_string(i) + ".toy"), toy_bytes(i % 2 ? 3 : 0, 12 + i));
        }
    const LoadedDataset data = load_dataset((folder / "data").string(), {.binning = parse_binning("1ms")});
    EXPECT_EQ(data.train->size(), 12);
    EXPECT_EQ(data.train->shape(), (Shape{2, 4, 4}));
    const spikelens::Run run = run_on(folder / "data", folder / "run", "4F-LIF-2F");
    EvaluateOptions options;
    options.methods = {"gate", "random"};
    options.samples = 0;
    evaluate(run, options, {}, {});
    EXPECT_EQ(run.document("evaluate")["input"], "recordings");
    EXPECT_THAT(report_of(run, {"gate"}), HasSubstr("recording"));
}

}  // namespace
}  // namespace spikelens

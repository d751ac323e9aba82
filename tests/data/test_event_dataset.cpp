#include <algorithm>
#include <cstdlib>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/data/dataset.h"
#include "spikelens/data/download.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "event_bytes.h"
#include "idx_files.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using testing_data::Bytes;
using testing_data::message_of;
using testing_data::TemporaryFolder;

void put_file(const fs::path& path, const Bytes& bytes) {
    fs::create_directories(path.parent_path());
    testing_data::put(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// One event, by which the recording is known.
Bytes marked(uint16_t x) { return testing_data::nmnist_bytes({{1, x, 0, 1}, {int64_t{1000} * x + 1, x, 0, 1}}); }

const EventSet& events_of(const std::shared_ptr<const SampleSource>& source) {
    const auto* set = dynamic_cast<const EventSet*>(source.get());
    if (!set) throw std::runtime_error("these are no recordings");
    return *set;
}
std::vector<int> marks(const EventSet& set) {
    std::vector<int> found;
    for (int64_t i = 0; i < set.size(); ++i) found.push_back(set.recording(i).events.at(0).x);
    return found;
}
std::vector<int> labels(const SampleSource& set) {
    std::vector<int> found;
    for (int64_t i = 0; i < set.size(); ++i) found.push_back(set.label(i));
    return found;
}
std::string refusal(const fs::path& folder, const Binning& binning = {}) {
    return message_of<InputError>([&] { load_dataset(folder.string(), {.binning = binning}); });
}

class ClassFolders : public testing::Test {
  protected:
    void SetUp() override {
        put_file(folder_ / "Train/2/00007.bin", marked(7));
        put_file(folder_ / "Train/10/00003.bin", marked(3));
        put_file(folder_ / "Train/10/00012.bin", marked(12));
        put_file(folder_ / "Train/2/00003.bin", marked(4));
        put_file(folder_ / "Train/2/notes.txt", {'x'});
        put_file(folder_ / "Test/10/1.bin", marked(20));
    }
    TemporaryFolder folder_;
};

TEST_F(ClassFolders, AreReadInTheOrderOfTheirFilesNames) {
    const LoadedDataset data = load_dataset(folder_.path().string());
    EXPECT_EQ(data.name, folder_.path().filename());
    EXPECT_EQ(data.train->classes(), (std::vector<std::string>{"2", "10"}));
    EXPECT_EQ(data.test->classes(), data.train->classes());
    EXPECT_EQ(marks(events_of(data.train)), (std::vector<int>{4, 3, 7, 12}));
    EXPECT_EQ(labels(*data.train), (std::vector<int>{0, 1, 0, 1}));
    EXPECT_EQ(labels(*data.test), std::vector<int>{1});
    EXPECT_EQ(data.train->shape(), (Shape{2, 34, 34}));
    // The longest recording is of the test split: 20 ms, so 21 steps in both.
    EXPECT_EQ(data.train->steps(), 21);
    EXPECT_EQ(data.test->steps(), 21);
}

TEST_F(ClassFolders, HaveOneChecksumOfAllRecordings) {
    const LoadedDataset data = load_dataset(folder_.path().string() + "/");
    std::string lines;
    for (const char* name :
         {"Test/10/1.bin", "Train/10/00003.bin", "Train/10/00012.bin", "Train/2/00003.bin", "Train/2/00007.bin"})
        lines += sha256_of_file(folder_ / name) + "  " + name + "\n";
    EXPECT_EQ(data.sha256, (std::map<std::string, std::string>{{"recordings", sha256_of_bytes(lines)}}));
    put_file(folder_ / "Test/10/1.bin", marked(21));
    EXPECT_NE(load_dataset(folder_.path().string()).sha256, data.sha256);
}

TEST_F(ClassFolders, AreBinnedAsAsked) {
    const LoadedDataset data = load_dataset(folder_.path().string(), {.binning = parse_binning("5x2ms")});
    EXPECT_EQ(data.train->steps(), 5);
    EXPECT_EQ(events_of(data.test).binning(), parse_binning("5x2ms"));
}

TEST_F(ClassFolders, MayHoldAnyFormatAndSensor) {
    put_file(folder_ / "Train/2/b.aedat", testing_data::aedat2_dvs128_bytes({{1, 30, 0, 1}}));
    put_file(folder_ / "Train/2/a.npz", testing_data::npz_columns_bytes({{1, 40, 0, 1}}, true));
    const LoadedDataset data = load_dataset(folder_.path().string());
    EXPECT_EQ(marks(events_of(data.train)), (std::vector<int>{4, 3, 7, 12, 40, 30}));
    EXPECT_EQ(data.test->shape(), (Shape{2, 128, 128}));
}

TEST_F(ClassFolders, RefuseWhatDoesNotFit) {
    put_file(folder_ / "Test/11/1.bin", marked(20));
    EXPECT_NE(refusal(folder_.path()).find("Test/11"), std::string::npos);
    fs::remove_all(folder_ / "Test/11");
    fs::create_directories(folder_ / "Train/3");
    EXPECT_NE(refusal(folder_.path()).find("Train/3 holds no recordings"), std::string::npos);
    fs::remove_all(folder_ / "Train/3");
    put_file(folder_ / "Train/2/8.bin", {1, 2, 3});
    EXPECT_NE(refusal(folder_.path()).find("Train/2/8.bin"), std::string::npos);
    fs::remove(folder_ / "Train/2/8.bin");
    EXPECT_NE(refusal(folder_.path(), {.by = Binning::By::count, .window = 1000, .steps = 0}).find("0 steps"),
              std::string::npos);
    fs::remove_all(folder_ / "Test");
    EXPECT_NE(refusal(folder_.path()).find("no event recordings"), std::string::npos);
}

/// A pixel with more events in a step than a number of spikes holds is told before anything is computed, with its file.
TEST_F(ClassFolders, HotPixelsAreToldOrClipped) {
    std::vector<Event> events(300, Event{7, 2, 1, 1});
    events.push_back({900, 0, 0, 0});
    put_file(folder_ / "Test/10/1.bin", testing_data::nmnist_bytes(events));
    const std::string sentence = refusal(folder_.path(), parse_binning("1ms"));
    EXPECT_NE(sentence.find("Test/10/1.bin: more than 255 events fall on x = 2, y = 1 in step 0"), std::string::npos)
        << sentence;
    const LoadedDataset data = load_dataset(folder_.path().string(), {.binning = parse_binning("1ms,clip")});
    const Input input = data.test->input(std::vector<int64_t>{0});
    const Array<uint8_t>& spikes = input.spikes;
    EXPECT_EQ(std::ranges::max(spikes.data), 255);
    EXPECT_EQ(spikes.data[(34 + 1) * 34 + 2], 255);
}

class Lists : public testing::Test {
  protected:
    void SetUp() override {
        for (const uint16_t i : {1, 2, 9, 30}) put_file(folder_ / (std::to_string(i) + ".bs2"), marked(i));
        testing_data::put(folder_ / "train4.txt", "#sample #class\n9\t0\n1\t2\r\n\n2 0\n");
        testing_data::put(folder_ / "test1.txt", "#sample #class\n30\t1\n");
    }
    TemporaryFolder folder_;
};

TEST_F(Lists, NameTheRecordings) {
    const LoadedDataset data = load_dataset(folder_.path().string());
    EXPECT_EQ(marks(events_of(data.train)), (std::vector<int>{9, 1, 2}));
    EXPECT_EQ(labels(*data.train), (std::vector<int>{0, 2, 0}));
    EXPECT_EQ(marks(events_of(data.test)), std::vector<int>{30});
    EXPECT_EQ(data.train->classes(), (std::vector<std::string>{"0", "1", "2"}));
    ASSERT_EQ(data.sha256.size(), 3U);
    EXPECT_EQ(data.sha256.at("train4.txt"), sha256_of_file(folder_ / "train4.txt"));
    EXPECT_EQ(data.sha256.at("recordings").size(), 64U);
}

TEST_F(Lists, RefuseWhatDoesNotFit) {
    const auto with = [&](const std::string& list) {
        testing_data::put(folder_ / "train4.txt", list);
        return refusal(folder_.path());
    };
    EXPECT_NE(with("1\t0\n5\t0\n").find("line 2"), std::string::npos);
    for (const std::string line : {"1", "1\tzero", "1\t-1", "1\t0\t0", "one\t0", "../1\t0", "1\t10000"})
        EXPECT_NE(with(line).find("line 1"), std::string::npos) << line;
    EXPECT_NE(with("# nothing\n").find("no training recordings"), std::string::npos);
    testing_data::put(folder_ / "train5.txt", "1\t0\n");
    EXPECT_NE(refusal(folder_.path()).find("2 lists train*.txt"), std::string::npos);
}

TEST(LoadDataset, BinsNoImages) {
    const TemporaryFolder folder;
    for (const std::string prefix : {"train", "t10k"}) {
        testing_data::put(folder / (prefix + "-images-idx3-ubyte"), testing_data::idx_bytes({1, 1, 1}, "a"));
        testing_data::put(folder / (prefix + "-labels-idx1-ubyte"), testing_data::idx_bytes({1}, std::string(1, '\0')));
    }
    EXPECT_EQ(load_dataset(folder.path().string(), {.binning = parse_binning("1ms")}).train->steps(), 0);
    EXPECT_NE(refusal(folder.path(), parse_binning("2ms")).find("binning is for event recordings"), std::string::npos);
}

/// The part of N-MNIST at SPIKELENS_DATA.
class NmnistSmall : public testing::Test {
  protected:
    void SetUp() override {
        const char* data = std::getenv("SPIKELENS_DATA");
        folder_ = fs::path(data ? data : "") / "nmnist-small";
        if (!data || !fs::is_directory(folder_))
            GTEST_SKIP() << "N-MNIST is not on this machine: set SPIKELENS_DATA to the folder that holds nmnist-small/";
    }
    fs::path folder_;
};

TEST_F(NmnistSmall, IsTheFirstPartOfThePublishedSet) {
    const LoadedDataset data = load_dataset(folder_.string());
    const EventSet& train = events_of(data.train);
    const EventSet& test = events_of(data.test);
    ASSERT_EQ(train.size(), 1000);
    ASSERT_EQ(test.size(), 100);
    EXPECT_EQ(train.shape(), (Shape{2, 34, 34}));
    // MNIST's first labels: 5 0 4 1 9 2 1 3 1 4, and 7 2 1 0 4 1 4 9 5 9 of the test set.
    const std::vector<int> first = labels(train), first_test = labels(test);
    EXPECT_EQ(std::vector<int>(first.begin(), first.begin() + 10), (std::vector<int>{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}));
    EXPECT_EQ(std::vector<int>(first_test.begin(), first_test.begin() + 10),
              (std::vector<int>{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}));
    int64_t events = 0, brighter = 0;
    for (const EventSet* set : {&train, &test})
        for (int64_t i = 0; i < set->size(); ++i) {
            const auto& recorded = set->recording(i).events;
            const int64_t span = recorded.back().time - recorded.front().time;
            ASSERT_GT(span, 280000) << i;  // three saccades of 100 ms
            ASSERT_LT(span, 320000) << i;
            ASSERT_TRUE(std::ranges::is_sorted(recorded, {}, &Event::time));
            events += static_cast<int64_t>(recorded.size());
            brighter += std::ranges::count(recorded, 1, &Event::polarity);
        }
    EXPECT_NEAR(static_cast<double>(events) / 1100, 4170,
                400);  // 4,172 a recording in the whole set (Orchard et al. 2015)
    EXPECT_NEAR(static_cast<double>(brighter) / static_cast<double>(events), 0.5, 0.03);
    EXPECT_GE(train.steps(), 300);
    EXPECT_LE(train.steps(), 320);
    EXPECT_EQ(train.steps(), test.steps());
}

TEST_F(NmnistSmall, InputIsWhatTheBytesSay) {
    const LoadedDataset data = load_dataset("nmnist", {.binning = parse_binning("310x1ms")});
    ASSERT_EQ(data.name, "nmnist");
    if (data.test->size() != 100) GTEST_SKIP() << "SPIKELENS_DATA has the whole set besides";
    for (const int64_t index : {0, 57, 99}) {
        const std::string bytes = read_file(folder_ / (std::to_string(60001 + index) + ".bs2"));
        const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<uint8_t>(bytes[i])); };
        const auto time = [&](size_t i) { return (byte(i + 2) % 128) * 65536 + byte(i + 3) * 256 + byte(i + 4); };
        size_t first = time(0);
        for (size_t i = 0; i < bytes.size(); i += 5) first = std::min(first, time(i));
        std::vector<uint8_t> expected(static_cast<size_t>(310 * 2 * 34 * 34));
        for (size_t i = 0; i < bytes.size(); i += 5)
            if (const size_t step = (time(i) - first) / 1000; step < 310)
                ++expected[((step * 2 + byte(i + 2) / 128) * 34 + byte(i + 1)) * 34 + byte(i)];
        EXPECT_EQ(data.test->input(std::vector<int64_t>{index}).spikes.data, expected) << index;
    }
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <optional>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/data/dataset.h"
#include "spikelens/data/download.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "idx_files.h"
#include "support/environment.h"

namespace spikelens {
namespace {

using testing_data::gzip;
using testing_data::idx_bytes;
using testing_data::message_of;
using testing_data::put;
using testing_data::TemporaryFolder;

namespace fs = std::filesystem;

const ImageSet& images_of(const std::shared_ptr<const SampleSource>& source) {
    return dynamic_cast<const ImageSet&>(*source);
}

/// Three training images and two test images of 2 x 3 pixels.
class Folder : public testing::Test {
  protected:
    void SetUp() override { fill(folder_.path()); }

    static void fill(const fs::path& folder) {
        put(folder / "train-images-idx3-ubyte",
            idx_bytes({3, 2, 3}, std::string("\0\1\2\3\4\5ABCDEF\x80\x90\xa0\xb0\xc0\xff", 18)));
        put(folder / "train-labels-idx1-ubyte", idx_bytes({3}, std::string("\2\0\1", 3)));
        put(folder / "t10k-images-idx3-ubyte", idx_bytes({2, 2, 3}, "abcdefuvwxyz"));
        put(folder / "t10k-labels-idx1-ubyte", idx_bytes({2}, std::string("\0\2", 2)));
    }
    LoadedDataset load() const { return load_dataset(folder_.path().string()); }
    void expect_refusal(const std::vector<std::string>& parts) const {
        const std::string message = message_of<InputError>([&] { load(); });
        for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << message;
    }

    TemporaryFolder folder_;
};

TEST_F(Folder, GivesImagesAndLabels) {
    const LoadedDataset data = load();
    EXPECT_EQ(data.name, folder_.path().filename());
    EXPECT_EQ(data.train->size(), 3);
    EXPECT_EQ(data.test->size(), 2);
    EXPECT_EQ(data.train->shape(), (Shape{1, 2, 3}));
    EXPECT_EQ(data.train->classes(), (std::vector<std::string>{"0", "1", "2"}));
    EXPECT_EQ(data.test->classes(), data.train->classes());
    EXPECT_EQ(data.train->label(0), 2);
    EXPECT_EQ(data.test->label(1), 2);
    const std::vector<int64_t> indices = {2, 0, 2};
    const FloatArray images = data.train->images(indices);
    EXPECT_EQ(images.shape, (Shape{3, 1, 2, 3}));
    const std::vector<float> last = {128 / 255.0F, 144 / 255.0F, 160 / 255.0F, 176 / 255.0F, 192 / 255.0F, 1};
    const std::vector<float> first = {0, 1 / 255.0F, 2 / 255.0F, 3 / 255.0F, 4 / 255.0F, 5 / 255.0F};
    EXPECT_TRUE(std::ranges::equal(images.row(0), last));
    EXPECT_TRUE(std::ranges::equal(images.row(1), first));
    EXPECT_TRUE(std::ranges::equal(images.row(2), last));
}

TEST_F(Folder, RecordsTheChecksumOfEachFileAsItLies) {
    const LoadedDataset data = load();
    ASSERT_EQ(data.sha256.size(), 4U);
    for (const auto& [name, sum] : data.sha256) EXPECT_EQ(sum, sha256_of_file(folder_ / name)) << name;
}

TEST_F(Folder, MayNameItsFilesInAnyUsualWay) {
    const LoadedDataset expected = load();
    for (const std::string separator : {"-", "."})
        for (const bool packed : {false, true}) {
            const TemporaryFolder folder;
            for (const auto& entry : fs::directory_iterator(folder_.path())) {
                std::string name = entry.path().filename();
                name.replace(name.find("-idx"), 1, separator);
                const std::string bytes = read_file(entry.path());
                put(folder / (name + (packed ? ".gz" : "")), packed ? gzip(bytes) : bytes);
            }
            const LoadedDataset data = load_dataset(folder.path().string() + "/");
            EXPECT_EQ(images_of(data.train).pixels(), images_of(expected.train).pixels());
            EXPECT_EQ(images_of(data.test).pixels(), images_of(expected.test).pixels());
            EXPECT_EQ(data.train->label(2), 1);
            EXPECT_EQ(data.name, folder.path().filename());
            EXPECT_EQ(data.sha256.count("t10k-labels" + separator + "idx1-ubyte" + (packed ? ".gz" : "")), 1U);
        }
}

TEST_F(Folder, TakesItsClassNamesFromAFile) {
    put(folder_ / "classes.txt", "cat\r\ngreat dog\nowl\nunused");
    const LoadedDataset data = load();
    EXPECT_EQ(data.train->classes(), (std::vector<std::string>{"cat", "great dog", "owl", "unused"}));
}

TEST_F(Folder, RefusesClassNamesThatDoNotFit) {
    const auto refused = [&](const std::string& names, const std::vector<std::string>& parts) {
        put(folder_ / "classes.txt", names);
        expect_refusal(parts);
    };
    refused("cat\ndog\n", {"train-labels-idx1-ubyte", "label 2 at sample 0", "2 classes"});
    refused("cat\n\ndog\n", {"line 2", "classes.txt"});
    refused("cat\ndog\ncat\n", {"classes.txt", "'cat' twice"});
    refused("", {"classes.txt", "empty"});
    refused("cat\nd\xe9j\xe0\ndog\n", {"class 1", "not UTF-8"});
}

TEST_F(Folder, NumbersItsClassesToTheLargestLabelOfEitherSplit) {
    put(folder_ / "t10k-labels-idx1-ubyte", idx_bytes({2}, std::string("\0\xff", 2)));
    const LoadedDataset data = load();
    EXPECT_EQ(data.train->classes().size(), 256U);
    EXPECT_EQ(data.test->classes().back(), "255");
}

TEST_F(Folder, NamesAMissingFile) {
    for (const std::string name : {"train-images", "train-labels", "t10k-images", "t10k-labels"}) {
        fill(folder_.path());
        fs::remove(folder_ / (name + (name.ends_with("images") ? "-idx3-ubyte" : "-idx1-ubyte")));
        expect_refusal({folder_.path().string(), name});
    }
}

TEST_F(Folder, RefusesAnotherNumberOfLabels) {
    put(folder_ / "train-labels-idx1-ubyte", idx_bytes({2}, std::string("\1\1", 2)));
    expect_refusal({"train-labels-idx1-ubyte holds 2 labels", "train-images-idx3-ubyte holds 3 images"});
}

TEST_F(Folder, RefusesAnEmptySet) {
    put(folder_ / "t10k-images-idx3-ubyte", idx_bytes({0, 2, 3}, ""));
    put(folder_ / "t10k-labels-idx1-ubyte", idx_bytes({0}, ""));
    expect_refusal({"t10k-images-idx3-ubyte", "no pixels", "[0, 2, 3]"});
    put(folder_ / "t10k-images-idx3-ubyte", idx_bytes({2, 0, 3}, ""));
    expect_refusal({"t10k-images-idx3-ubyte", "no pixels", "[2, 0, 3]"});
}

TEST_F(Folder, RefusesTestImagesOfAnotherSize) {
    put(folder_ / "t10k-images-idx3-ubyte", idx_bytes({2, 3, 2}, "abcdefuvwxyz"));
    expect_refusal({"train-images-idx3-ubyte holds images of 2 x 3", "t10k-images-idx3-ubyte of 3 x 2"});
}

TEST_F(Folder, RefusesImagesInPlaceOfLabels) {
    fs::copy_file(folder_ / "t10k-images-idx3-ubyte", folder_ / "t10k-labels-idx1-ubyte",
                  fs::copy_options::overwrite_existing);
    expect_refusal({"t10k-labels-idx1-ubyte", "3 dimensions, expected 1"});
}

TEST(LoadDataset, SuggestsTheNearestName) {
    const auto refusal = [](const std::string& name) { return message_of<InputError>([&] { load_dataset(name); }); };
    EXPECT_NE(refusal("fashion_mnist").find("did you mean 'fashion-mnist'?"), std::string::npos);
    EXPECT_NE(refusal("cifar").find("known are fashion-mnist, mnist"), std::string::npos);
}

TEST_F(Folder, OfAKnownNameIsFoundInTheDataFolderFirstThenInTheCache) {
    const TemporaryFolder root;
    fs::create_directories(root / "data/mnist");
    fs::create_directories(root / "cache/spikelens/mnist");
    const Environment data_folder("SPIKELENS_DATA", (root / "data").string());
    const Environment cache("XDG_CACHE_HOME", (root / "cache").string());
    if (fs::exists("/usr/share/datasets/mnist"))
        GTEST_SKIP() << "this machine has an MNIST of its own, which comes before the cache";
    const auto where = [] { return known_datasets().at(1).where; };

    const std::string missing = message_of<InputError>([] { load_dataset("mnist"); });
    EXPECT_NE(missing.find((root / "data/mnist").string()), std::string::npos) << missing;
    EXPECT_NE(missing.find((root / "cache/spikelens/mnist").string()), std::string::npos) << missing;
    EXPECT_NE(missing.find("spikelens data download mnist"), std::string::npos) << missing;
    EXPECT_EQ(where(), "");

    fill(root / "cache/spikelens/mnist");
    EXPECT_EQ(load_dataset("mnist").train->classes().size(), 10U);
    EXPECT_EQ(where(), root / "cache/spikelens/mnist");

    fill(root / "data/mnist");
    EXPECT_EQ(where(), root / "data/mnist");
    put(root / "data/mnist/train-labels-idx1-ubyte", idx_bytes({3}, "\1\2\x0a"));
    EXPECT_NE(message_of<InputError>([] { load_dataset("mnist"); }).find("label 10 at sample 2"), std::string::npos);
}

TEST(LoadDataset, SaysWhereNmnistMayLieAndNothingOfADownload) {
    const TemporaryFolder root;
    const Environment data_folder("SPIKELENS_DATA", (root / "data").string());
    const Environment cache("XDG_CACHE_HOME", (root / "cache").string());
    const std::string missing = message_of<InputError>([] { load_dataset("nmnist"); });
    for (const char* place : {"data/nmnist,", "data/nmnist-small,", "cache/spikelens/nmnist;"})
        EXPECT_NE(missing.find((root / place).string()), std::string::npos) << missing;
    EXPECT_EQ(missing.find("download"), std::string::npos) << missing;
    EXPECT_NE(message_of<InputError>([] { download_dataset("nmnist"); }).find("not downloadable"), std::string::npos);
}

TEST(KnownDatasets, DescribeThemselves) {
    const std::vector<DatasetInfo> infos = known_datasets();
    ASSERT_EQ(infos.size(), 3U);
    EXPECT_EQ(infos[0].name, "fashion-mnist");
    EXPECT_EQ(infos[1].name, "mnist");
    EXPECT_EQ(infos[2].name, "nmnist");
    for (const DatasetInfo& info : infos) {
        EXPECT_FALSE(info.title.empty());
        EXPECT_FALSE(info.licence.empty());
        EXPECT_EQ(info.downloadable, info.name != "nmnist");
    }
}

TEST(CacheFolder, FollowsTheEnvironment) {
    const Environment home("HOME", "/somewhere");
    {
        const Environment cache("XDG_CACHE_HOME", "/elsewhere");
        EXPECT_EQ(cache_folder(), "/elsewhere/spikelens");
    }
    // The base directory specification: a relative path is to be ignored.
    const Environment relative("XDG_CACHE_HOME", "relative");
    EXPECT_EQ(cache_folder(), "/somewhere/.cache/spikelens");
    const Environment homeless("HOME", "");
    EXPECT_THROW(cache_folder(), RunError);
}

/// Samples of each of the ten classes, and the mean pixel.
void expect_benchmark(const ImageSet& set, int64_t size, double mean) {
    EXPECT_EQ(set.size(), size);
    EXPECT_EQ(set.shape(), (Shape{1, 28, 28}));
    EXPECT_EQ(set.classes().size(), 10U);
    const auto& pixels = set.pixels().data;
    const double sum = std::accumulate(pixels.begin(), pixels.end(), 0.0);
    EXPECT_NEAR(sum / static_cast<double>(pixels.size()) / 255, mean, 5e-5);
}

TEST(FashionMnist, IsTheWholePublishedSet) {
    if (known_datasets().at(0).where.empty())
        GTEST_SKIP() << "Fashion-MNIST is not on this machine (package dataset-fashion-mnist)";
    const LoadedDataset data = load_dataset("fashion-mnist");
    // The training set's mean pixel as its users normalise with: 0.2860.
    expect_benchmark(images_of(data.train), 60000, 0.2860);
    expect_benchmark(images_of(data.test), 10000, 0.2868);
    std::vector<int64_t> counts(10);
    for (int64_t i = 0; i < data.train->size(); ++i) ++counts[static_cast<size_t>(data.train->label(i))];
    EXPECT_EQ(counts, std::vector<int64_t>(10, 6000));
    EXPECT_EQ(data.train->classes()[static_cast<size_t>(data.train->label(0))], "Ankle boot");
}

TEST(Mnist, IsTheWholePublishedSet) {
    if (known_datasets().at(1).where.empty())
        GTEST_SKIP() << "MNIST is not on this machine: set SPIKELENS_DATA to the folder that holds mnist/";
    const LoadedDataset data = load_dataset("mnist");
    // The training set's mean pixel as its users normalise with: 0.1307.
    expect_benchmark(images_of(data.train), 60000, 0.1307);
    expect_benchmark(images_of(data.test), 10000, 0.1325);
    EXPECT_EQ(data.train->label(0), 5);
    EXPECT_EQ(data.test->label(0), 7);
}

Array<uint8_t> two_pixels() { return {{2, 1, 1, 1}, std::vector<uint8_t>{51, 255}}; }

TEST(ImageSet, RefusesWhatDoesNotFit) {
    EXPECT_THROW(ImageSet(two_pixels(), {0}, {"a"}), InputError);
    EXPECT_THROW(ImageSet(two_pixels(), {0, 1}, {"a"}), InputError);
    EXPECT_THROW(ImageSet(two_pixels(), {0, -1}, {"a"}), InputError);
    EXPECT_THROW(ImageSet({{2}, std::vector<uint8_t>{1, 2}}, {0, 0}, {"a"}), InputError);
    const ImageSet set(two_pixels(), {0, 0}, {"a"});
    for (const int64_t index : {-1, 2}) EXPECT_THROW(set.images(std::vector<int64_t>{index}), InputError);
    EXPECT_EQ(set.images({}).shape, (Shape{0, 1, 1, 1}));
}

}  // namespace
}  // namespace spikelens

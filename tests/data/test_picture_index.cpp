#include <fstream>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include "spikelens/data/dataset.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "data/picture_index.h"
#include "support/environment.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

constexpr int kPictures = PictureIndex::kWorthKeeping;

/// A folder of as many pictures as are kept.
class KeptPictures : public testing::Test {
  protected:
    void SetUp() override { write_pictures("large", kPictures); }

    static std::string picture(int value) {
        return "P6 2 2 255\n" + std::string(10, static_cast<char>(value % 256)) +
               std::string(2, static_cast<char>(value / 256));
    }
    fs::path path_of(const std::string& set, int number) const {
        return folder_ / set / (number % 2 == 0 ? "a" : "b") / (std::to_string(number) + ".ppm");
    }
    void write_pictures(const std::string& set, int count) const {
        for (const char* label : {"a", "b"}) fs::create_directories(folder_ / set / label);
        for (int i = 0; i < count; ++i) put(path_of(set, i), picture(i));
    }
    static void put(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }
    /// Files must be older than the clock of a file system is coarse.
    static void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(3100)); }
    LoadedDataset load(const std::string& set = "large", PictureWords words = {}) const {
        words["split"] = "0.8";
        return load_dataset((folder_ / set).string(), {.pictures = parse_pictures(words)});
    }
    std::vector<fs::path> kept() const {
        std::vector<fs::path> files;
        if (fs::exists(folder_ / "cache/spikelens/pictures"))
            for (const auto& entry : fs::directory_iterator(folder_ / "cache/spikelens/pictures"))
                files.push_back(entry);
        return files;
    }
    /// Gives a picture of the kept index another checksum, by which it is told whether the index is asked.
    void mark(int number) const {
        json document = json::parse(read_file(kept().at(0)));
        document["pictures"].at(path_of("large", number).string())["sha256"] = std::string(64, '0');
        write_file(kept().at(0), document.dump());
    }

    TemporaryFolder folder_;
    Environment cache_{"XDG_CACHE_HOME", (folder_ / "cache").string()};
};

TEST_F(KeptPictures, AreReadAgainWhereAnythingOfThemChangedAlone) {
    wait();
    const LoadedDataset first = load();
    ASSERT_EQ(kept().size(), 1U);
    const LoadedDataset second = load();
    EXPECT_EQ(second.sha256, first.sha256);
    for (const auto& set : {&LoadedDataset::train, &LoadedDataset::test})
        for (const int64_t i : {0, 7, 99})
            EXPECT_EQ(((second.*set)->images(std::vector{i})), ((first.*set)->images(std::vector{i})));
    mark(3);
    EXPECT_NE(load().sha256, first.sha256) << "the index was not asked";

    const fs::path path = path_of("large", 3);
    struct stat before {};
    ASSERT_EQ(::stat(path.c_str(), &before), 0);
    const timespec times[] = {before.st_atim, before.st_mtim};
    put(path, picture(3));  // the same bytes in the same file, which says that it is as old as before
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    EXPECT_EQ(load().sha256, first.sha256) << "it was not read again";
    put(path, picture(4));
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    EXPECT_NE(load().sha256, first.sha256);
}

TEST_F(KeptPictures, OfAnotherFramingAreOthersAndDamagedOnesAreNamedAsBefore) {
    put(path_of("large", 5), "P6 2 2 255\nx");
    wait();
    const LoadedDataset first = load("large", {{"damaged", "skip"}}), second = load("large", {{"damaged", "skip"}});
    EXPECT_THAT(first.damaged, testing::ElementsAre(HasSubstr("5.ppm")));
    EXPECT_EQ(second.damaged, first.damaged);
    EXPECT_EQ(second.sha256, first.sha256);
    EXPECT_EQ(input_error([&] { load(); }).substr(0, first.damaged[0].size()), first.damaged[0]);
    EXPECT_EQ(kept().size(), 1U);
    EXPECT_EQ(load("large", {{"damaged", "skip"}, {"resize", "4x4"}}).train->shape(), (Shape{3, 4, 4}));
    EXPECT_EQ(kept().size(), 2U);
    load("large", {{"damaged", "skip"}, {"mean", "0.5,0.5,0.5"}});
    EXPECT_EQ(kept().size(), 2U) << "what the network sees is not what the file holds";
}

TEST_F(KeptPictures, AreReadWhereTheIndexIsDamagedOrCannotBeKept) {
    wait();
    const LoadedDataset first = load();
    write_file(kept().at(0), "{\"key\": ");
    EXPECT_EQ(load().sha256, first.sha256);
    mark(3);
    EXPECT_NE(load().sha256, first.sha256) << "it was kept again";
    fs::remove_all(folder_ / "cache");
    write_file(folder_ / "cache", "no folder");
    EXPECT_EQ(load().sha256, first.sha256);
}

TEST_F(KeptPictures, AMomentAgoAreNotTrusted) {
    load();
    const json document = json::parse(read_file(kept().at(0)));
    EXPECT_TRUE(document["pictures"].empty());
}

TEST_F(KeptPictures, OfFewFilesLeaveNothingBehind) {
    write_pictures("small", kPictures - 1);
    load("small");
    EXPECT_TRUE(kept().empty());
}

}  // namespace
}  // namespace spikelens

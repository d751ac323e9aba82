#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/core/files.h"

namespace spikelens {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
  protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder_ = fs::temp_directory_path() / ("spikelens-files-" + std::to_string(::getpid()) + "-" + test->name());
        fs::remove_all(folder_);
        fs::create_directories(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }

    size_t entries() const {
        return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
    }

    fs::path folder_;
};

TEST_F(Files, WriteAndReadGiveTheSameBytes) {
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += static_cast<char>(i);
    for (const std::string& content : {bytes, std::string()}) {
        write_file(folder_ / "x", content);
        EXPECT_EQ(read_file(folder_ / "x"), content);
    }
}

TEST_F(Files, WriteMakesMissingFolders) {
    write_file(folder_ / "a" / "b" / "c", "deep");
    EXPECT_EQ(read_file(folder_ / "a" / "b" / "c"), "deep");
}

TEST_F(Files, AFailingWriterLeavesTheOldContentAndNoTemporary) {
    write_file(folder_ / "x", "old");
    const auto fail = [](const fs::path& temporary) {
        std::ofstream(temporary) << "half of the n";
        throw std::runtime_error("disk on fire");
    };
    EXPECT_THROW(write_atomically(folder_ / "x", fail), std::runtime_error);
    EXPECT_EQ(read_file(folder_ / "x"), "old");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, TheOldContentStaysUntilTheWriterIsDone) {
    write_file(folder_ / "x", "old");
    write_atomically(folder_ / "x", [&](const fs::path& temporary) {
        std::ofstream(temporary) << "new";
        EXPECT_NE(temporary, folder_ / "x");
        EXPECT_EQ(temporary.parent_path(), folder_);
        EXPECT_EQ(read_file(folder_ / "x"), "old");
    });
    EXPECT_EQ(read_file(folder_ / "x"), "new");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, WhatCannotBeReplacedIsARunErrorAndLeavesNoTemporary) {
    fs::create_directories(folder_ / "taken" / "inside");
    EXPECT_THROW(write_file(folder_ / "taken", "new"), RunError);
    EXPECT_TRUE(fs::is_directory(folder_ / "taken" / "inside"));
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, AFileInPlaceOfAFolderIsARunError) {
    write_file(folder_ / "x", "file");
    EXPECT_THROW(write_file(folder_ / "x" / "y", "new"), RunError);
    EXPECT_EQ(read_file(folder_ / "x"), "file");
}

TEST_F(Files, AWriterThatWritesNothingIsARunError) {
    EXPECT_THROW(write_atomically(folder_ / "x", [](const fs::path&) {}), RunError);
    EXPECT_EQ(entries(), 0U);
}

TEST_F(Files, ReadNamesTheFileItCannotRead) {
    write_file(folder_ / "long", "12345");
    EXPECT_EQ(read_file(folder_ / "long", 5), "12345");
    const auto message = [](const fs::path& path, uint64_t limit) {
        try {
            read_file(path, limit);
        } catch (const InputError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    for (const auto& [path, limit] : {std::pair(folder_ / "long", 4), std::pair(folder_ / "missing", 9), std::pair(folder_, 9)})
        EXPECT_NE(message(path, static_cast<uint64_t>(limit)).find(path.string()), std::string::npos) << path;
}

}  // namespace
}  // namespace spikelens

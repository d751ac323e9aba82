#include <array>
#include <atomic>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"

#include "support/small_files.h"

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
    const auto fail = [](const Append& append) {
        append("half of the n");
        throw std::runtime_error("disk on fire");
    };
    EXPECT_THROW(write_atomically(folder_ / "x", fail), std::runtime_error);
    EXPECT_EQ(read_file(folder_ / "x"), "old");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, TheOldContentStaysUntilTheWriterIsDone) {
    write_file(folder_ / "x", "old");
    write_atomically(folder_ / "x", [&](const Append& append) {
        append("ne");
        append("w");
        EXPECT_EQ(entries(), 2U);
        EXPECT_EQ(read_file(folder_ / "x"), "old");
    });
    EXPECT_EQ(read_file(folder_ / "x"), "new");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, WhatTheDiskDoesNotTakeIsARunErrorThatNamesTheFileAndSaysWhy) {
    write_file(folder_ / "x", "old");
    const SmallFiles limit(1000);
    for (const size_t size : {1001, 100'000}) {
        try {
            write_file(folder_ / "x", std::string(size, 'n'));
            ADD_FAILURE() << "written";
        } catch (const RunError& error) {
            EXPECT_EQ(error.what(), "cannot write " + (folder_ / "x").string() + ": File too large");
        }
        EXPECT_EQ(read_file(folder_ / "x"), "old");
        EXPECT_EQ(entries(), 1U);
    }
    write_file(folder_ / "x", std::string(1000, 'n'));
    EXPECT_EQ(read_file(folder_ / "x"), std::string(1000, 'n'));
}

TEST_F(Files, TwoWritersOfOneFileDoNotShareATemporary) {
    write_atomically(folder_ / "x", [&](const Append& append) {
        append("fir");
        write_file(folder_ / "x", "second");
        EXPECT_EQ(read_file(folder_ / "x"), "second");
        append("st");
    });
    EXPECT_EQ(read_file(folder_ / "x"), "first");
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, ManyWritersAtOnceLeaveOneWholeFile) {
    const auto content = [](int writer) {
        return std::string(static_cast<size_t>(10'000 + writer), static_cast<char>('a' + writer));
    };
    write_file(folder_ / "x", content(0));
    std::vector<std::thread> writers;
    std::atomic<int> broken = 0;
    for (int writer = 0; writer < 6; ++writer)
        writers.emplace_back([&, writer] {
            for (int time = 0; time < 30; ++time) {
                write_file(folder_ / "x", content(writer));
                const std::string read = read_file(folder_ / "x");
                if (read != content(read[0] - 'a')) ++broken;
            }
        });
    for (std::thread& writer : writers) writer.join();
    EXPECT_EQ(broken, 0);
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, WhatADeadWriterLeftIsRemovedAndWhatALivingOneWritesStays) {
    for (const char* left : {"x.spikelens-0.part", "x.spikelens-1.part", "x.spikelens-3.part"})
        std::ofstream(folder_ / left) << "half";
    std::ofstream(folder_ / "xy.spikelens-0.part") << "another file's";
    const int living = ::open((folder_ / "x.spikelens-1.part").c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(::flock(living, LOCK_EX), 0);
    write_file(folder_ / "x", "new");
    EXPECT_EQ(read_file(folder_ / "x"), "new");
    EXPECT_EQ(read_file(folder_ / "x.spikelens-1.part"), "half");
    EXPECT_EQ(entries(), 3U);
    ::close(living);
    write_file(folder_ / "x", "newer");
    EXPECT_EQ(entries(), 2U);
}

TEST_F(Files, ALinkStaysAndWhatItLeadsToIsReplaced) {
    write_file(folder_ / "real" / "x", "old");
    fs::create_symlink("real/x", folder_ / "link");
    fs::create_symlink("link", folder_ / "link to link");
    fs::create_symlink("real/none yet", folder_ / "early");
    write_file(folder_ / "link to link", "new");
    write_file(folder_ / "early", "made");
    EXPECT_TRUE(fs::is_symlink(folder_ / "link to link"));
    EXPECT_EQ(read_file(folder_ / "real" / "x"), "new");
    EXPECT_EQ(read_file(folder_ / "real" / "none yet"), "made");
    fs::create_symlink("loop", folder_ / "loop");
    EXPECT_THROW(write_file(folder_ / "loop", "new"), RunError);
}

TEST_F(Files, WhatIsNotARegularFileIsNeitherReplacedNorRead) {
    ASSERT_EQ(::mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    EXPECT_THROW(write_file(folder_ / "pipe", "new"), RunError);
    EXPECT_THROW(read_file(folder_ / "pipe"), InputError);
    EXPECT_THROW(write_file("/dev/null", "new"), RunError);
    EXPECT_TRUE(fs::is_fifo(folder_ / "pipe"));
    EXPECT_EQ(entries(), 1U);
}

TEST_F(Files, PermissionsAreTheUmasks) {
    const mode_t before = ::umask(027);
    write_file(folder_ / "x", "new");
    ::umask(before);
    EXPECT_EQ(fs::status(folder_ / "x").permissions(), fs::perms{0640});
}

TEST_F(Files, ANameMayBeAsLongAsTheSystemAllows) {
    const std::string name(255, 'n');
    write_file(folder_ / name, "new");
    EXPECT_EQ(read_file(folder_ / name), "new");
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

TEST_F(Files, AWriterThatAppendsNothingMakesAnEmptyFile) {
    write_atomically(folder_ / "x", [](const Append&) {});
    EXPECT_EQ(read_file(folder_ / "x"), "");
    EXPECT_EQ(fs::file_size(folder_ / "x"), 0U);
}

TEST_F(Files, RemovingWhatIsNotThereIsNoFault) {
    write_file(folder_ / "x", "old");
    remove_file(folder_ / "x");
    remove_file(folder_ / "x");
    EXPECT_EQ(entries(), 0U);
    fs::create_directories(folder_ / "taken");
    EXPECT_THROW(remove_file(folder_ / "taken"), RunError);
}

TEST_F(Files, AReaderGivesWhatThereIsAndNoMore) {
    write_file(folder_ / "x", "12345");
    EXPECT_EQ(read_start(folder_ / "x", 3), "123");
    EXPECT_EQ(read_start(folder_ / "x", 9), "12345");
    FileReader reader(folder_ / "x");
    EXPECT_EQ(reader.size(), 5U);
    std::array<char, 4> piece{};
    EXPECT_EQ(reader.read(piece.data(), 4), 4U);
    EXPECT_EQ(reader.read(piece.data(), 4), 1U);
    EXPECT_EQ(piece[0], '5');
    EXPECT_EQ(reader.read(piece.data(), 4), 0U);
    reader.close();
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
    for (const auto& [path, limit] :
         {std::pair(folder_ / "long", 4), std::pair(folder_ / "missing", 9), std::pair(folder_, 9)})
        EXPECT_NE(message(path, static_cast<uint64_t>(limit)).find(path.string()), std::string::npos) << path;
}

}  // namespace
}  // namespace spikelens

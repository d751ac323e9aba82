#include <atomic>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "data/picture_cache.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace spikelens {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PictureAhead::Picture picture_of(const PictureFile& file) {
    auto made = std::make_shared<Array<uint8_t>>(Shape{1});
    made->data[0] = static_cast<uint8_t>(file.label);
    return made;
}

std::vector<PictureFile> files_of(const std::vector<int>& labels) {
    std::vector<PictureFile> files;
    for (const int label : labels) files.push_back({"", label, std::to_string(label)});
    return files;
}

/// Waits until so many pictures are read.
void wait_for(const std::atomic<int>& read, int number) {
    for (int now = read; now < number; now = read) read.wait(now);
}

TEST(PictureAhead, ReadsWhatIsExpectedAndNoMoreThanThereIsRoomFor) {
    std::atomic<int> read = 0;
    std::vector<int> order;
    PictureAhead ahead(30, 1, [&](const PictureFile& file) {
        order.push_back(file.label);
        ++read;
        read.notify_all();
        return picture_of(file);
    });
    ahead.expect(files_of({7, 5, 9, 1, 2}), 10);
    wait_for(read, 3);
    EXPECT_EQ(ahead.take("5")->data[0], 5);
    EXPECT_EQ(ahead.take("5"), nullptr) << "it is taken once";
    EXPECT_EQ(ahead.take("1"), nullptr) << "there was no room for it";
    ahead.expect(files_of({9, 1}), 10);
    wait_for(read, 4);
    EXPECT_EQ(ahead.take("7"), nullptr) << "it is not expected any more";
    EXPECT_EQ(ahead.take("9")->data[0], 9);
    EXPECT_EQ(ahead.take("1")->data[0], 1);
    EXPECT_THAT(order, ElementsAre(7, 5, 9, 1)) << "9 was there";
}

TEST(PictureAhead, ReadsWhatIsExpectedTwice) {
    std::atomic<int> read = 0;
    std::promise<void> begun, may_end;
    PictureAhead ahead(30, 1, [&](const PictureFile& file) {
        if (read++ == 0) {
            begun.set_value();
            may_end.get_future().wait();
        }
        read.notify_all();
        return picture_of(file);
    });
    ahead.expect(files_of({4, 6, 8}), 10);
    begun.get_future().wait();
    ahead.expect(files_of({4, 6, 8}), 10);
    may_end.set_value();
    wait_for(read, 3);
    EXPECT_EQ(ahead.take("8")->data[0], 8);
}

TEST(PictureAhead, WaitsForAPictureThatIsBeingRead) {
    std::promise<void> begun, may_end;
    PictureAhead ahead(20, 1, [&](const PictureFile& file) {
        begun.set_value();
        may_end.get_future().wait();
        return picture_of(file);
    });
    ahead.expect(files_of({4, 6}), 10);
    begun.get_future().wait();
    EXPECT_EQ(ahead.take("6"), nullptr) << "nobody has begun with it: whoever asks reads it";
    auto taken = std::async(std::launch::async, [&] { return ahead.take("4"); });
    may_end.set_value();
    EXPECT_EQ(taken.get()->data[0], 4);
}

TEST(PictureAhead, LeavesErrorsToWhoeverAsksForThePicture) {
    std::atomic<int> read = 0;
    PictureAhead ahead(20, 1, [&](const PictureFile& file) {
        ++read;
        read.notify_all();
        if (file.label == 0) throw InputError("damaged");
        return picture_of(file);
    });
    ahead.expect(files_of({0, 1}), 10);
    wait_for(read, 2);
    EXPECT_EQ(ahead.take("0"), nullptr);
    EXPECT_EQ(ahead.take("1")->data[0], 1);
}

TEST(PictureAhead, DoesNothingWithoutThreadsOrRoom) {
    const auto never = [](const PictureFile&) -> PictureAhead::Picture { throw std::logic_error("read"); };
    PictureAhead alone(20, 0, never), without_room(9, 2, never);
    alone.expect(files_of({0}), 10), without_room.expect(files_of({0}), 10);
    EXPECT_EQ(alone.take("0"), nullptr);
    EXPECT_EQ(without_room.take("0"), nullptr);
}

class SmallPictures : public testing::Test {
  protected:
    SmallPictures() {
        for (char value = 0; value < 6; ++value) {
            const std::string path = (folder_ / (std::to_string(value) + ".ppm")).string(),
                              bytes = std::string("P6 1 1 255\n12") + value;
            write_file(path, bytes);
            files_.push_back({path, 0, sha256_of_bytes(bytes)});
        }
    }
    /// Keeps nothing, and has room to read two pictures ahead.
    PictureSet set(int threads) const {
        Execution execution;
        execution.threads = threads;
        return {files_,   {"all"}, {3, 1, 1}, {}, std::make_shared<PictureCache>(0, 6, threads, PictureOptions{}),
                execution};
    }
    TemporaryFolder folder_;
    std::vector<PictureFile> files_;
};

int64_t running_threads() { return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {}); }

TEST_F(SmallPictures, AreReadAheadByOneThreadLessWhereTheyAreReadInOrder) {
    const std::vector<int64_t> in_order = {1, 2}, apart = {4, 2}, one = {3};
    const int64_t before = running_threads();
    for (const int threads : {1, 3}) {
        const PictureSet pictures = set(threads);
        pictures.images(apart), pictures.images(one);
        EXPECT_EQ(running_threads(), before);
        pictures.images(in_order);
        EXPECT_EQ(running_threads(), before + threads - 1);
    }
    EXPECT_EQ(running_threads(), before);
}

/// Samples and errors are those of one thread, which reads nothing ahead.
TEST_F(SmallPictures, AreTheSameWhetherReadAheadOrNot) {
    const PictureSet plain = set(1), ahead = set(3);
    const std::vector<std::vector<int64_t>> batches = {{0, 1}, {2, 3}, {4, 5}, {4, 2, 0}, {0, 1, 2}};
    for (const std::vector<int64_t>& batch : batches) EXPECT_EQ(ahead.images(batch), plain.images(batch));
    std::filesystem::remove(files_[5].path);
    for (const std::vector<int64_t>& batch : {batches[0], batches[1]})
        EXPECT_EQ(ahead.images(batch), plain.images(batch));
    const auto refusal = [&](const PictureSet& pictures) { return input_error([&] { pictures.images(batches[2]); }); };
    EXPECT_EQ(refusal(ahead), refusal(plain));
    EXPECT_THAT(refusal(ahead), HasSubstr("5.ppm"));
}

}  // namespace
}  // namespace spikelens

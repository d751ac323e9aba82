#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/data/dataset.h"
#include "spikelens/data/download.h"
#include "spikelens/io/files.h"
#include "spikelens/io/sha256.h"

#include "idx_files.h"
#include "loopback_server.h"
#include "support/small_files.h"

namespace spikelens {
namespace {

using testing_data::LoopbackServer;
using testing_data::message_of;
using testing_data::put;
using testing_data::TemporaryFolder;
using Request = LoopbackServer::Request;
using Reply = LoopbackServer::Reply;

std::string random_bytes(size_t length, uint64_t seed) {
    std::string bytes(length, '\0');
    for (size_t i = 0; i < length; ++i) bytes[i] = static_cast<char>(random_bits(seed, Stream::test, {i}));
    return bytes;
}

Reply whole(const std::string& body) { return {.status = 200, .body = body, .header = {}, .sent = {}}; }
Reply cut(const std::string& body, size_t after) { return {.status = 200, .body = body, .header = {}, .sent = after}; }
Reply status(int code) { return {.status = code, .body = "an error page", .header = {}, .sent = {}}; }

class Download : public testing::Test {
  protected:
    void SetUp() override {
        for (const char* proxy : {"http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"})
            ::unsetenv(proxy);
    }

    void download(const std::vector<std::string>& mirrors, int stall_seconds = 20,
                  const Progress& progress = {}) const {
        download_files(mirrors, {file_}, folder_.path(), progress, stall_seconds);
    }
    std::string failure(const std::vector<std::string>& mirrors, int stall_seconds = 20) const {
        return message_of<RunError>([&] { download(mirrors, stall_seconds); });
    }
    bool has_file() const { return std::filesystem::exists(target_); }
    bool has_part() const { return std::filesystem::exists(part_); }
    void expect_finished() const {
        ASSERT_TRUE(has_file());
        EXPECT_EQ(read_file(target_), body_);
        EXPECT_FALSE(has_part());
    }

    TemporaryFolder folder_;
    const std::string body_ = random_bytes(300000, 1);
    const std::string other_ = random_bytes(300000, 2);
    const RemoteFile file_{"file.gz", sha256_of_bytes(body_), body_.size()};
    const std::filesystem::path target_ = folder_ / "file.gz", part_ = folder_ / "file.gz.part";
};

TEST_F(Download, FetchesTheWholeFile) {
    LoopbackServer server([&](const Request& request) { return LoopbackServer::with_ranges(request, body_); });
    download({server.address()});
    expect_finished();
    ASSERT_EQ(server.requests().size(), 1U);
    EXPECT_EQ(server.requests()[0].path, "/file.gz");
    EXPECT_FALSE(server.requests()[0].range_start);
}

TEST_F(Download, AsksNothingWhenTheFileIsThere) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    put(target_, body_);
    download({server.address()});
    expect_finished();
    EXPECT_TRUE(server.requests().empty());
}

TEST_F(Download, ReplacesAFileWithOtherBytes) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    put(target_, other_);
    download({server.address()});
    expect_finished();
}

TEST_F(Download, ContinuesAfterACutConnection) {
    const size_t first = 100000;
    LoopbackServer server([&](const Request& request) {
        return request.range_start ? LoopbackServer::with_ranges(request, body_) : cut(body_, first);
    });
    failure({server.address()});
    EXPECT_FALSE(has_file());
    ASSERT_EQ(read_file(part_), body_.substr(0, first));
    download({server.address()});
    expect_finished();
    ASSERT_EQ(server.requests().size(), 2U);
    EXPECT_EQ(server.requests()[1].range_start, first);
}

TEST_F(Download, ContinuesAtTheNextMirror) {
    LoopbackServer cutting([&](const Request&) { return cut(body_, 5000); });
    LoopbackServer good([&](const Request& request) { return LoopbackServer::with_ranges(request, body_); });
    download({cutting.address(), good.address()});
    expect_finished();
    ASSERT_EQ(good.requests().size(), 1U);
    EXPECT_EQ(good.requests()[0].range_start, 5000U);
}

TEST_F(Download, StartsOverWhenTheServerIgnoresTheRange) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    put(part_, body_.substr(0, 777));
    download({server.address()});
    expect_finished();
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Download, StartsOverWhenTheServerRefusesTheRange) {
    LoopbackServer server([&](const Request& request) { return request.range_start ? status(416) : whole(body_); });
    put(part_, body_.substr(0, 777));
    download({server.address()});
    expect_finished();
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(Download, StartsOverWhenThePartWasOfAnotherFile) {
    LoopbackServer server([&](const Request& request) { return LoopbackServer::with_ranges(request, body_); });
    put(part_, other_.substr(0, 1000));
    download({server.address()});
    expect_finished();
    ASSERT_EQ(server.requests().size(), 2U);
    EXPECT_EQ(server.requests()[0].range_start, 1000U);
    EXPECT_FALSE(server.requests()[1].range_start);
}

TEST_F(Download, TakesACompletePartWithoutARequest) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    put(part_, body_);
    download({server.address()});
    expect_finished();
    EXPECT_TRUE(server.requests().empty());
}

TEST_F(Download, DropsAPartThatIsTooLong) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    put(part_, body_ + "more");
    download({server.address()});
    expect_finished();
    ASSERT_EQ(server.requests().size(), 1U);
    EXPECT_FALSE(server.requests()[0].range_start);
}

TEST_F(Download, GoesToTheNextMirrorAfterWrongBytes) {
    LoopbackServer wrong([&](const Request&) { return whole(other_); });
    LoopbackServer good([&](const Request&) { return whole(body_); });
    download({wrong.address(), good.address()});
    expect_finished();
    EXPECT_EQ(wrong.requests().size(), 1U);
    EXPECT_FALSE(good.requests().at(0).range_start);
}

TEST_F(Download, NeverKeepsWrongBytes) {
    for (const std::string& wrong : {other_, body_ + "x", body_.substr(1), std::string()}) {
        LoopbackServer server([&](const Request&) { return whole(wrong); });
        failure({server.address()});
        EXPECT_FALSE(has_file());
        EXPECT_FALSE(has_part());
    }
}

TEST_F(Download, StopsReadingBeyondTheExactSize) {
    LoopbackServer server([&](const Request&) { return whole(random_bytes(4000000, 3)); });
    EXPECT_NE(failure({server.address()}).find("sent more than 300000 bytes"), std::string::npos);
}

TEST_F(Download, ChecksOnlyTheSumWhenTheSizeIsUnknown) {
    const RemoteFile unsized{file_.name, file_.sha256, 0};
    LoopbackServer server([&](const Request&) { return whole(body_); });
    download_files({server.address()}, {unsized}, folder_.path());
    expect_finished();
    EXPECT_THROW(download_files({server.address()}, {{"b", sha256_of_bytes("b"), 0}}, folder_.path()), RunError);
}

TEST_F(Download, NamesEveryMirrorAndItsReason) {
    LoopbackServer missing([](const Request&) { return status(404); });
    LoopbackServer broken([](const Request&) { return status(503); });
    LoopbackServer wrong([&](const Request&) { return whole(other_); });
    LoopbackServer cutting([&](const Request&) { return cut(body_, 0); });
    const std::string message = failure({missing.address(), broken.address(), wrong.address(), cutting.address()});
    EXPECT_NE(message.find("file.gz"), std::string::npos) << message;
    EXPECT_NE(message.find(missing.address() + " (answered 404)"), std::string::npos) << message;
    EXPECT_NE(message.find(broken.address() + " (answered 503)"), std::string::npos) << message;
    EXPECT_NE(message.find(wrong.address() + " (sent a file with a wrong checksum)"), std::string::npos) << message;
    EXPECT_NE(message.find(cutting.address() + " ("), std::string::npos) << message;
    EXPECT_FALSE(has_part());
}

TEST_F(Download, KeepsThePartWhenTheServerOnlyRefuses) {
    LoopbackServer server([](const Request&) { return status(503); });
    put(part_, body_.substr(0, 500));
    failure({server.address()});
    EXPECT_EQ(read_file(part_), body_.substr(0, 500));
}

TEST_F(Download, LeavesAServerThatStalls) {
    LoopbackServer stalling([&](const Request&) {
        Reply reply = cut(body_, 0);
        reply.stalls = true;
        return reply;
    });
    LoopbackServer good([&](const Request&) { return whole(body_); });
    const auto start = std::chrono::steady_clock::now();
    download({stalling.address(), good.address()}, 1);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
    expect_finished();
}

TEST_F(Download, NamesAServerThatIsNotThere) {
    std::string gone;
    {
        LoopbackServer server([&](const Request&) { return whole(body_); });
        gone = server.address();
    }
    EXPECT_NE(failure({gone}).find(gone + " ("), std::string::npos);
}

TEST_F(Download, FollowsRedirectsWithinHttpOnly) {
    std::string location = "/elsewhere";
    LoopbackServer server([&](const Request& request) {
        if (request.path == "/elsewhere") return whole(body_);
        return Reply{.status = 302, .body = "moved", .header = "Location: " + location, .sent = {}};
    });
    download({server.address()});
    expect_finished();
    std::filesystem::remove(target_);
    put(folder_ / "local", body_);
    location = "file://" + (folder_ / "local").string();
    failure({server.address()});
    EXPECT_FALSE(has_file());
}

TEST_F(Download, ReportsItsProgress) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    std::vector<ProgressEvent> events;
    download({server.address()}, 20, [&](const ProgressEvent& event) { events.push_back(event); });
    ASSERT_FALSE(events.empty());
    EXPECT_EQ(events.back().done, 300000);
    EXPECT_TRUE(std::ranges::is_sorted(events, {}, &ProgressEvent::done));
    EXPECT_TRUE(std::ranges::all_of(events, [](const ProgressEvent& event) { return event.total == 300000; }));
}

TEST_F(Download, PassesOnWhatProgressThrows) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    EXPECT_THROW(download({server.address()}, 20, [](const ProgressEvent&) { throw std::logic_error("stop"); }),
                 std::logic_error);
    EXPECT_FALSE(has_file());
}

TEST_F(Download, RefusesAFileThatAnotherIsFetching) {
    LoopbackServer server([&](const Request&) { return whole(body_); });
    std::string refusal;
    download({server.address()}, 20, [&](const ProgressEvent& event) {
        if (refusal.empty() && event.done < event.total) refusal = failure({server.address()});
    });
    EXPECT_NE(refusal.find("file.gz.part is being written by another process"), std::string::npos) << refusal;
    expect_finished();
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(Download, KeepsWhatAFullDiskTookAndContinues) {
    LoopbackServer server([&](const Request& request) { return LoopbackServer::with_ranges(request, body_); });
    {
        const SmallFiles limit(100'000);
        EXPECT_EQ(failure({server.address()}), "cannot write " + part_.string() + ": File too large");
    }
    EXPECT_FALSE(has_file());
    EXPECT_EQ(read_file(part_), body_.substr(0, 100'000));
    download({server.address()});
    expect_finished();
}

TEST_F(Download, FetchesEveryFileOfAList) {
    LoopbackServer server([&](const Request& request) { return whole("content of " + request.path); });
    const auto remote = [](const std::string& name) {
        const std::string content = "content of /" + name;
        return RemoteFile{name, sha256_of_bytes(content), content.size()};
    };
    download_files({server.address()}, {remote("a"), remote("b")}, folder_ / "new" / "folder");
    EXPECT_EQ(read_file(folder_ / "new/folder/a"), "content of /a");
    EXPECT_EQ(read_file(folder_ / "new/folder/b"), "content of /b");
}

TEST_F(Download, RefusesARequestItCannotMean) {
    const std::string mirror = "http://127.0.0.1:1/";
    const auto refuse = [&](const std::vector<std::string>& mirrors, const RemoteFile& file, int stall_seconds) {
        EXPECT_THROW(download_files(mirrors, {file}, folder_.path(), {}, stall_seconds), InputError);
    };
    refuse({}, file_, 1);
    refuse({"file:///etc/"}, file_, 1);
    refuse({mirror}, file_, 0);
    refuse({mirror}, {"../file", file_.sha256, 0}, 1);
    refuse({mirror}, {"..", file_.sha256, 0}, 1);
    refuse({mirror}, {"file", "abc", 0}, 1);
    refuse({mirror}, {"file", std::string(64, 'A'), 0}, 1);
}

TEST(DownloadDataset, RefusesAnUnknownNameWithTheNearest) {
    EXPECT_NE(message_of<InputError>([] { download_dataset("mnits"); }).find("did you mean 'mnist'?"),
              std::string::npos);
}

TEST(Sha256, MatchesThePublishedVectors) {
    // FIPS 180-2, appendix B.
    EXPECT_EQ(sha256_of_bytes("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_of_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256_of_bytes(std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
    const TemporaryFolder folder;
    for (const size_t length : {size_t{0}, size_t{1}, size_t{65536}, size_t{65537}, size_t{200000}}) {
        const std::string bytes = random_bytes(length, 4);
        put(folder / "x", bytes);
        EXPECT_EQ(sha256_of_file(folder / "x"), sha256_of_bytes(bytes)) << length;
    }
    EXPECT_THROW(sha256_of_file(folder / "missing"), InputError);
    EXPECT_THROW(sha256_of_file(folder.path()), InputError);
}

}  // namespace
}  // namespace spikelens

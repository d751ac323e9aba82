#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/data/idx.h"

#include "idx_files.h"

namespace spikelens {
namespace {

using testing_data::gzip;
using testing_data::idx_bytes;
using testing_data::idx_header;
using testing_data::message_of;
using testing_data::TemporaryFolder;

std::string counting(size_t length) {
    std::string bytes(length, '\0');
    std::iota(bytes.begin(), bytes.end(), '\0');
    return bytes;
}

class ReadIdx : public testing::Test {
  protected:
    Array<uint8_t> read(std::string_view bytes, int dimensions = 3, uint64_t limit = uint64_t{1} << 32) const {
        testing_data::put(file_, bytes);
        return read_idx(file_, dimensions, limit);
    }
    /// The refusal of these bytes, which names the file.
    std::string refusal(std::string_view bytes, int dimensions = 3, uint64_t limit = uint64_t{1} << 32) const {
        std::string message = message_of<InputError>([&] { read(bytes, dimensions, limit); });
        EXPECT_NE(message.find(file_.string()), std::string::npos) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message;
    }
    void expect_refusal(std::string_view bytes, const std::string& reason, int dimensions = 3) const {
        const std::string message = refusal(bytes, dimensions);
        EXPECT_NE(message.find(reason), std::string::npos) << message;
    }

    TemporaryFolder folder_;
    std::filesystem::path file_ = folder_ / "digits";
    const std::string content_ = counting(2 * 3 * 4);
    const std::string plain_ = idx_bytes({2, 3, 4}, content_);
    const Array<uint8_t> expected_{{2, 3, 4}, std::vector<uint8_t>(content_.begin(), content_.end())};
};

TEST_F(ReadIdx, ReadsPlainAndGzip) {
    EXPECT_EQ(read(plain_), expected_);
    EXPECT_EQ(read(gzip(plain_)), expected_);
}

TEST_F(ReadIdx, ReadsLabels) {
    const Array<uint8_t> labels = read(idx_bytes({5}, "\x01\x02\x03\x04\xff"), 1);
    EXPECT_EQ(labels, (Array<uint8_t>({5}, std::vector<uint8_t>{1, 2, 3, 4, 255})));
}

TEST_F(ReadIdx, ReadsMoreThanAnyBuffer) {
    const uint32_t side = 700;
    std::string content(side * side, '\0');
    for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(random_bits(1, Stream::test, {i}));
    for (const std::string& bytes : {idx_bytes({side, side}, content), gzip(idx_bytes({side, side}, content))})
        EXPECT_TRUE(std::ranges::equal(read(bytes, 2).data, std::vector<uint8_t>(content.begin(), content.end())));
}

TEST_F(ReadIdx, ReadsConcatenatedGzipMembersAsOne) {
    for (size_t cut = 0; cut <= plain_.size(); ++cut)
        ASSERT_EQ(read(gzip(plain_.substr(0, cut)) + gzip("") + gzip(plain_.substr(cut))), expected_) << cut;
}

TEST_F(ReadIdx, ReadsASetWithoutSamples) {
    for (const std::string& bytes : {idx_bytes({0, 28, 28}, ""), gzip(idx_bytes({0, 28, 28}, ""))}) {
        const Array<uint8_t> none = read(bytes);
        EXPECT_EQ(none.shape, (Shape{0, 28, 28}));
        EXPECT_TRUE(none.empty());
    }
    EXPECT_EQ(read(idx_bytes({0xffffffff, 0}, ""), 2).shape, (Shape{0xffffffff, 0}));
}

TEST_F(ReadIdx, RefusesEveryTruncation) {
    const std::string packed = gzip(plain_);
    for (const std::string& whole : {plain_, packed})
        for (size_t length = 0; length < whole.size(); ++length)
            EXPECT_THROW(read(whole.substr(0, length)), InputError) << length << " of " << whole.size() << " bytes";
}

TEST_F(ReadIdx, RefusesBytesAfterTheEnd) {
    expect_refusal(plain_ + '\0', "more bytes than the 24");
    expect_refusal(gzip(plain_ + '\0'), "more bytes than the 24");
    expect_refusal(gzip(plain_) + gzip("x"), "more bytes than the 24");
    for (const std::string& garbage : {std::string("x"), std::string(1, '\0'), std::string("\x1f"), plain_})
        expect_refusal(gzip(plain_) + garbage, "gzip file");
}

TEST_F(ReadIdx, RefusesAWrongGzipChecksumOrLength) {
    const std::string packed = gzip(plain_);
    for (size_t from_end = 1; from_end <= 8; ++from_end) {
        std::string damaged = packed;
        damaged[damaged.size() - from_end] ^= 0x10;
        expect_refusal(damaged, "damaged gzip");
    }
}

TEST_F(ReadIdx, RefusesAWrongMagic) {
    expect_refusal("\x89PNG\r\n\x1a\n", "starts with the bytes 89 50 4e 47");
    expect_refusal(plain_.substr(1), "is not an IDX file");
}

TEST_F(ReadIdx, RefusesAnotherElementType) {
    for (const char type : {0x09, 0x0b, 0x0c, 0x0d, 0x0e}) expect_refusal(idx_header({0, 1, 1}, type), "type 0");
}

TEST_F(ReadIdx, RefusesAnotherNumberOfDimensions) {
    expect_refusal(plain_, "has 3 dimensions, expected 1", 1);
    expect_refusal(idx_bytes({2}, "ab"), "has 1 dimensions, expected 3");
}

TEST_F(ReadIdx, RefusesExtentsBeyondTheLimit) {
    const uint32_t most = 0xffffffff;
    expect_refusal(idx_header({most, most, most}), "allowed");
    expect_refusal(idx_header({most, most, 0}), "allowed");
    expect_refusal(idx_header({0, most, most}), "allowed");
    expect_refusal(idx_header({1U << 22, 1U << 21, 1U << 21}), "allowed");  // 2^64: zero when it wraps around
    EXPECT_EQ(read(plain_, 3, 24), expected_);
    EXPECT_NE(refusal(plain_, 3, 23).find("more than the 23 allowed"), std::string::npos);
    EXPECT_NE(refusal(plain_, 3, 0).find("more than the 0 allowed"), std::string::npos);
}

TEST_F(ReadIdx, TakesNoMemoryForAPromise) {
    const auto peak_kilobytes = [] {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
    };
    const long before = peak_kilobytes();
    expect_refusal(idx_bytes({0xffffffff}, "only these"), "holds 10 of the 4294967295 bytes", 1);
    expect_refusal(gzip(idx_bytes({0xffffffff}, "only these")), "holds 10 of the 4294967295 bytes", 1);
    EXPECT_LT(peak_kilobytes() - before, 64 * 1024);
}

TEST_F(ReadIdx, RefusesWhatIsNoFile) {
    EXPECT_NE(message_of<InputError>([&] { read_idx(folder_ / "missing", 3); }).find("missing"), std::string::npos);
    EXPECT_NE(message_of<InputError>([&] { read_idx(folder_.path(), 3); }).find("is not a file"), std::string::npos);
}

/// 1 to 4 changes at addressed places: a byte replaced, removed or put in.
std::string mutated(std::string bytes, uint64_t seed) {
    const auto draw = [&](uint64_t what, uint64_t change, uint64_t below) {
        return random_bits(seed, Stream::test, {what, change}) % below;
    };
    const uint64_t changes = 1 + draw(0, 0, 4);
    for (uint64_t change = 0; change < changes && !bytes.empty(); ++change) {
        const size_t at = draw(1, change, bytes.size());
        const auto byte = static_cast<char>(draw(2, change, 256));
        const uint64_t kind = draw(3, change, 4);
        if (kind == 0) bytes.erase(at, 1);
        if (kind == 1) bytes.insert(at, 1, byte);
        if (kind >= 2) bytes[at] = byte;
    }
    return bytes;
}

TEST_F(ReadIdx, AMutatedPlainFileIsRefusedOrReadAsItsHeaderSays) {
    int refused = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        const std::string bytes = mutated(plain_, seed);
        try {
            const Array<uint8_t> array = read(bytes);
            ASSERT_EQ(idx_bytes({static_cast<uint32_t>(array.extent(0)), static_cast<uint32_t>(array.extent(1)),
                                 static_cast<uint32_t>(array.extent(2))},
                                std::string(array.data.begin(), array.data.end())),
                      bytes);
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
    EXPECT_LT(refused, 4000);
}

TEST_F(ReadIdx, AMutatedGzipFileIsRefusedOrHoldsTheSameArray) {
    const std::string packed = gzip(plain_);
    int refused = 0;
    for (uint64_t seed = 0; seed < 4000; ++seed) {
        try {
            ASSERT_EQ(read(mutated(packed, seed)), expected_) << seed;
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 2000);
    EXPECT_LT(refused, 4000);
}

}  // namespace
}  // namespace spikelens

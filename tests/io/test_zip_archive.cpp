#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "data/event_bytes.h"
#include "data/idx_files.h"
#include "io/zip_archive.h"

namespace spikelens {
namespace {

using testing_data::Bytes;
using testing_data::message_of;
using testing_data::zip_bytes;

Bytes hello() { return {'h', 'e', 'l', 'l', 'o'}; }

std::string refusal(const Bytes& bytes, const std::string& name = "a", uint64_t limit = 1000,
                    const ZipLimits& limits = {}) {
    return message_of<InputError>([&] { ZipArchive(bytes, "some.zip", limits).read(name, limit); });
}

TEST(ZipArchive, ReadsStoredAndDeflatedFilesFromMemoryAndFromDisk) {
    const Bytes large(100000, 'x');
    const Bytes bytes =
        zip_bytes({{"a", hello(), false}, {"folder/b", large, true}, {"empty", {}, false}, {"folder/", {}, false}});
    const testing_data::TemporaryFolder folder;
    testing_data::put(folder / "some.zip", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const ZipArchive memory(bytes, "some.zip"), disk(folder / "some.zip");
    for (const ZipArchive* archive : {&memory, &disk}) {
        EXPECT_EQ(archive->names(), (std::vector<std::string>{"a", "folder/b", "empty"}));
        EXPECT_EQ(archive->read("a", 5), hello());
        EXPECT_EQ(archive->read("folder/b", large.size()), large);
        EXPECT_EQ(archive->read("empty", 0), Bytes());
        EXPECT_EQ(archive->size("folder/b"), large.size());
        EXPECT_TRUE(archive->has("a"));
        EXPECT_FALSE(archive->has("folder/"));
    }
}

TEST(ZipArchive, RefusesMoreThanItsLimits) {
    const Bytes bytes = zip_bytes({{"a", hello(), false}, {"b", hello(), true}});
    EXPECT_NE(refusal(bytes, "a", 4).find("5 bytes, more than the 4 allowed"), std::string::npos);
    EXPECT_NE(refusal(bytes, "a", 9, {.entries = 1}).find("holds 2 files"), std::string::npos);
    EXPECT_NE(refusal(bytes, "a", 9, {.unpacked = 9}).find("more than the 9 bytes"), std::string::npos);
    EXPECT_NE(refusal(bytes, "c").find("no file 'c'"), std::string::npos);
    EXPECT_NE(refusal(zip_bytes({{"a", hello()}, {"a", hello()}})).find("'a' twice"), std::string::npos);
}

TEST(ZipArchive, RefusesASizeThatIsNotTrue) {
    for (const bool deflated : {false, true})
        for (const uint64_t announced : {uint64_t{3}, uint64_t{0}, uint64_t{500}, uint64_t{0xfffffffe}})
            EXPECT_THROW(ZipArchive(zip_bytes({{"a", hello(), deflated, announced}}), "some.zip").read("a", 0xffffffff),
                         InputError)
                << deflated << " " << announced;
}

TEST(ZipArchive, RefusesAWrongChecksumAndTruncation) {
    const Bytes bytes = zip_bytes({{"a", hello(), false}});
    Bytes damaged = bytes;
    damaged[31] ^= 1;  // the first byte of the content: 30 bytes of header, the name
    EXPECT_NE(refusal(damaged).find("damaged"), std::string::npos);
    for (size_t length = 0; length < bytes.size(); ++length)
        EXPECT_THROW(ZipArchive(std::span(bytes).first(length), "some.zip").read("a", 9), InputError) << length;
    EXPECT_THROW(ZipArchive("/nowhere/some.zip"), InputError);
}

}  // namespace
}  // namespace spikelens

#include <cerrno>
#include <csignal>
#include <set>

#include <dirent.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model_io/nir_child.h"
#include "model_io/nir_message.h"
#include "support/mutate.h"

namespace spikelens {
namespace {

using testing::HasSubstr;

std::string failure_of(const std::function<void(int)>& work, const ChildLimits& limits = {}) {
    return run_in_child(work, limits).failure;
}

TEST(NirChild, AnswersComeWhole) {
    const ChildAnswer answer = run_in_child([](int descriptor) {
        const std::string part(1 << 20, 'x');
        for (int i = 0; i < 5; ++i) write_or_exit(descriptor, part.data(), part.size());
    });
    EXPECT_EQ(answer.failure, "");
    EXPECT_EQ(answer.bytes, std::string(5 << 20, 'x'));
}

TEST(NirChild, EveryEndIsTold) {
    EXPECT_EQ(failure_of([](int) {}), "");
    EXPECT_EQ(failure_of([](int) { _exit(7); }), "ended with status 7");
    EXPECT_THAT(failure_of([](int) { raise(SIGSEGV); }), HasSubstr("was stopped by signal 11"));
    EXPECT_THAT(failure_of([](int) { std::abort(); }), HasSubstr("was stopped by signal 6"));
    const ChildLimits short_limits{.seconds = 1};
    EXPECT_EQ(failure_of([](int) { pause(); }, short_limits), "did not come to an end in time");
    EXPECT_EQ(failure_of(
                  [](int) {
                      for (volatile bool on = true; on;) {
                      }
                  },
                  short_limits),
              "did not come to an end in time");
    const ChildLimits busy{.processor_seconds = 1};
    EXPECT_EQ(failure_of(
                  [](int) {
                      for (volatile bool on = true; on;) {
                      }
                  },
                  busy),
              "did not come to an end in time");
    const ChildLimits few{.answer = 1000};
    EXPECT_EQ(failure_of(
                  [](int descriptor) {
                      for (;;) write_or_exit(descriptor, "0123456789", 10);
                  },
                  few),
              "gave more than it may");
}

/// A damaged file of any small size ends within ten seconds and a gigabyte; larger ones get more of both.
TEST(NirChild, LimitsGrowWithTheFile) {
    for (const uint64_t size : {uint64_t{0}, uint64_t{17} << 10, uint64_t{1} << 20}) {
        EXPECT_LE(limits_for_file(size).seconds, 7);
        EXPECT_LE(limits_for_file(size).memory, uint64_t{700} << 20);
    }
    EXPECT_GE(limits_for_file(uint64_t{1} << 30).processor_seconds, 250);
    EXPECT_EQ(limits_for_file(~uint64_t{0}).memory, ChildLimits().memory);
}

TEST(NirChild, MemoryIsBounded) {
    const ChildLimits limits{.memory = 64 << 20};
    const ChildAnswer answer = run_in_child(
        [](int descriptor) {
            const bool refused = mmap(nullptr, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
            write_or_exit(descriptor, refused ? "refused" : "given", refused ? 7 : 5);
        },
        limits);
    EXPECT_EQ(answer.bytes, "refused");
}

std::set<std::string> open_descriptors() {
    std::set<std::string> names;
    DIR* directory = opendir("/proc/self/fd");
    while (const dirent* entry = readdir(directory)) names.insert(entry->d_name);
    names.erase(std::to_string(dirfd(directory)));
    closedir(directory);
    return names;
}

TEST(NirChild, LeavesNothingBehindAndTakesNothingWithIt) {
    const std::set<std::string> before = open_descriptors();
    const ChildAnswer answer = run_in_child([](int descriptor) {
        std::string all;
        for (const std::string& name : open_descriptors()) all += name + " ";
        write_or_exit(descriptor, all.data(), all.size());
    });
    EXPECT_EQ(answer.bytes, ". .. 0 1 2 3 ");
    failure_of([](int) { raise(SIGKILL); });
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // no child is left
    EXPECT_EQ(errno, ECHILD);
}

TEST(NirChild, WorksWhereTheProgramIgnoresItsChildren) {
    const auto usual = signal(SIGCHLD, SIG_IGN);
    const ChildAnswer answer = run_in_child([](int descriptor) { write_or_exit(descriptor, "x", 1); });
    signal(SIGCHLD, usual);
    EXPECT_EQ(answer.bytes, "x");
    EXPECT_EQ(answer.failure, "");
}

TEST(NirMessage, EveryTruncationAndMutationIsHarmless) {
    std::string bytes;
    append_value(bytes, "a/b", nir_numbers(NirType::float32, {2, 2}, {1, 2, 3, 4}));
    append_value(bytes, "t", {NirType::text, {2}, {}, {"x", "longer"}});
    append_value(bytes, "s", nir_numbers(NirType::int64, {}, {7}));
    append_error(bytes, "a sentence");
    const std::string whole = bytes + kMessageEnd;
    const NirMessage message = parse_message(whole);
    EXPECT_TRUE(message.complete);
    EXPECT_EQ(message.error, "a sentence");
    EXPECT_EQ(message.values.at("a/b"), nir_numbers(NirType::float32, {2, 2}, {1, 2, 3, 4}));
    EXPECT_EQ(message.values.at("t").texts, (std::vector<std::string>{"x", "longer"}));
    for (size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(parse_message(whole.substr(0, length)).complete);
    const std::vector<uint8_t> good(whole.begin(), whole.end());
    for (uint64_t i = 0; i < testing_support::mutation_count(20000); ++i) {
        const std::vector<uint8_t> bad = testing_support::mutated(good, i);
        for (const auto& [path, value] : parse_message(std::string(bad.begin(), bad.end())).values) {
            if (value.type == NirType::other) continue;
            const size_t held = value.type == NirType::text ? value.texts.size() : value.numbers.size();
            ASSERT_EQ(element_count(value.shape), static_cast<int64_t>(held)) << i;
        }
    }
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <pthread.h>

#include "spikelens/core/parallel.h"

namespace spikelens {
namespace {

TEST(ParallelFor, CallsEachIndexOnce) {
    for (int threads : {0, 1, 2, 3, 16}) {
        for (int64_t count : {0, 1, 2, 1000}) {
            std::vector<std::atomic<int>> calls(static_cast<size_t>(count));
            parallel_for(count, threads, [&](int64_t index, int) { ++calls[static_cast<size_t>(index)]; });
            EXPECT_TRUE(std::ranges::all_of(calls, [](const auto& n) { return n == 1; }))
                << threads << " threads, " << count;
        }
    }
}

TEST(ParallelFor, GivesAWorkerToOneBodyAtATime) {
    const int threads = 4;
    std::vector<std::atomic<int>> busy(threads);
    std::atomic<bool> shared = false, outside = false;
    parallel_for(400, threads, [&](int64_t, int worker) {
        if (worker < 0 || worker >= threads) {
            outside = true;
            return;
        }
        if (++busy[static_cast<size_t>(worker)] != 1) shared = true;
        std::this_thread::yield();
        --busy[static_cast<size_t>(worker)];
    });
    EXPECT_FALSE(shared);
    EXPECT_FALSE(outside);
}

TEST(ParallelFor, RunsBodiesAtTheSameTime) {
    // Each body waits for the other: one thread alone would run into the deadline.
    std::atomic<int> arrived = 0;
    std::atomic<int> met = 0;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    parallel_for(2, 2, [&](int64_t, int) {
        ++arrived;
        while (arrived < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
        met += arrived == 2;
    });
    EXPECT_EQ(met, 2);
}

TEST(ParallelFor, RethrowsAnExceptionAndStops) {
    for (int threads : {1, 4}) {
        std::atomic<int64_t> calls = 0;
        std::string message;
        try {
            parallel_for(1000000, threads, [&](int64_t index, int) {
                ++calls;
                if (index == 10) throw std::runtime_error("index ten");
            });
        } catch (const std::runtime_error& error) {
            message = error.what();
        }
        EXPECT_EQ(message, "index ten");
        EXPECT_LT(calls, 1000000);
    }
}

TEST(ParallelFor, RethrowsTheExceptionOfTheLowestIndex) {
    const auto body = [](int64_t index, int) {
        if (index < 2) return;
        if (index == 2) std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the others throw first
        throw std::runtime_error(std::to_string(index));
    };
    for (const int threads : {1, 2, 4}) {
        try {
            parallel_for(100, threads, body);
            FAIL() << "nothing was thrown";
        } catch (const std::runtime_error& error) {
            EXPECT_STREQ(error.what(), "2") << threads << " threads";
        }
    }
}

TEST(ParallelFor, WorksAgainAfterAnException) {
    EXPECT_THROW(parallel_for(8, 2, [](int64_t, int) { throw std::runtime_error("all"); }), std::runtime_error);
    std::atomic<int> calls = 0;
    parallel_for(8, 2, [&](int64_t, int) { ++calls; });
    EXPECT_EQ(calls, 8);
}

TEST(ParallelFor, RunsANestedCallInTheCallingThread) {
    std::atomic<int> calls = 0;
    std::atomic<bool> moved = false;
    parallel_for(8, 4, [&](int64_t, int) {
        const std::thread::id outer = std::this_thread::get_id();
        parallel_for(8, 4, [&](int64_t, int) {
            ++calls;
            if (std::this_thread::get_id() != outer) moved = true;
        });
    });
    EXPECT_EQ(calls, 64);
    EXPECT_FALSE(moved);
}

TEST(ParallelFor, CarriesAnExceptionOutOfANestedCall) {
    const auto nested = [] {
        parallel_for(4, 2, [](int64_t, int) {
            parallel_for(4, 2, [](int64_t index, int) {
                if (index == 3) throw std::runtime_error("deep");
            });
        });
    };
    EXPECT_THROW(nested(), std::runtime_error);
}

TEST(ParallelFor, DoesTheWorkWithTheThreadsThatStart) {
    // Stacks larger than the address space: no thread can be started.
    pthread_attr_t usual, greedy;
    ASSERT_EQ(pthread_getattr_default_np(&usual), 0);
    ASSERT_EQ(pthread_getattr_default_np(&greedy), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&greedy, size_t{1} << 47), 0);
    ASSERT_EQ(pthread_setattr_default_np(&greedy), 0);
    std::vector<int> calls(100);
    EXPECT_NO_THROW(parallel_for(100, 4, [&](int64_t index, int) { ++calls[static_cast<size_t>(index)]; }));
    ASSERT_EQ(pthread_setattr_default_np(&usual), 0);
    EXPECT_TRUE(std::ranges::all_of(calls, [](int n) { return n == 1; }));
}

TEST(AvailableThreads, IsAtLeastOne) { EXPECT_GE(available_threads(), 1); }

}  // namespace
}  // namespace spikelens

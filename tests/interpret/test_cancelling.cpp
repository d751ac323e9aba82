#include <atomic>

#include <gtest/gtest.h>

#include "spikelens/interpret/responses.h"

#include "memory_samples.h"

namespace spikelens::testing {
namespace {

/// Stopped at any look, by any thread, sums hold whole batches: going on from them ends in the same bits.
TEST(ResponseSums, HoldWholeBatchesWhereverTheWorkIsCancelled) {
    Network network = parse_network("3C3-LIF-MP2-4C3-IF-5F", {1, 12, 12}, 6);
    initialise_weights(network, 3);
    const MemorySamples samples = random_samples(30, {1, 12, 12}, 5, 7);
    const ResponseOptions options{.chunk = 5, .block = 4, .end = {}};
    ResponseSums whole;
    accumulate_responses(CpuEngine(network), samples, options, whole);
    int stopped = 0;
    for (int last = 0; last < 150; last += 3) {
        std::atomic<int> looks = 0;
        const CpuEngine engine(network, {.threads = 2, .cancelled = [&] { return ++looks > last; }});
        ResponseSums sums;
        try {
            accumulate_responses(engine, samples, options, sums);
        } catch (const Cancelled&) {
            ++stopped;
        }
        accumulate_responses(CpuEngine(network), samples, options, sums);
        EXPECT_EQ(sums, whole) << "stopped at look " << last;
    }
    EXPECT_GT(stopped, 10);
}

}  // namespace
}  // namespace spikelens::testing

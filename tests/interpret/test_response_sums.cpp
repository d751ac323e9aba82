// The sums themselves: against integers of 128 bits, in any order, by any kernel and any number of threads.
#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/snn/decision.h"

#include "interpret/response_sums.h"
#include "kernels/dispatch.h"

namespace spikelens {
namespace {

__extension__ using Int128 = __int128;

constexpr int64_t kClasses = 3;

struct Samples {
    FloatArray responses;
    std::vector<int> predicted;
};

/// Shares of very different size, many zeros, and undecided samples.
Samples some_samples(int64_t count, int64_t filters, uint64_t seed) {
    Samples samples{FloatArray({count, filters}), {}};
    for (int64_t i = 0; i < samples.responses.size(); ++i) {
        const double u = random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)});
        samples.responses.data[i] = u < 0.4 ? 0.0F : static_cast<float>(std::pow(u, 30 * (i % 3)));
    }
    for (int64_t n = 0; n < count; ++n)
        samples.predicted.push_back(n % 5 == 4 ? kUndecided : static_cast<int>(n * n % kClasses));
    return samples;
}

ResponseSums sums_of(const Samples& samples, int block, const Execution& execution = {}, int64_t first = 0,
                     int64_t end = -1, int64_t batch = 1000) {
    if (end < 0) end = samples.responses.extent(0);
    ResponseOptions options;
    options.block = block;
    options.first = first;
    ResponseSums sums = empty_sums(samples.responses.extent(1), kClasses, options);
    while (sums.end() < end) {
        const int64_t count = std::min({batch, end - sums.end(), block - sums.end() % block});
        add_rows(sums, samples.responses.rows(sums.end(), count).copy(),
                 std::span(samples.predicted).subspan(sums.end(), count), execution);
        sums.samples += count;
    }
    return sums;
}

/// One element by the definition: blocks are sums of float64 in sample order, cut off behind 2^-90, added as integers.
template <class Term>
double sum_by_definition(int64_t samples, int64_t block, const Term& term) {
    Int128 total = 0;
    for (int64_t first = 0; first < samples; first += block) {
        double sum = 0;
        for (int64_t n = first; n < std::min(samples, first + block); ++n) sum += term(n);
        total += static_cast<Int128>(std::ldexp(sum, 90));
    }
    return std::ldexp(static_cast<double>(static_cast<int64_t>(total >> 62)), -28) +
           std::ldexp(static_cast<double>(static_cast<int64_t>(total & ((Int128{1} << 62) - 1))), -90);
}

void expect_by_definition(const Responses& found, const Samples& samples, int64_t block) {
    const int64_t count = samples.responses.extent(0), filters = samples.responses.extent(1);
    const auto x = [&](int64_t n, int64_t i) { return double{samples.responses.row(n)[i]}; };
    for (int64_t i = 0; i < filters; ++i) {
        for (int64_t j = 0; j < filters; ++j)
            ASSERT_EQ(found.gram.row(i)[j],
                      sum_by_definition(count, block, [&](int64_t n) { return x(n, i) * x(n, j); }));
        for (int c = 0; c < kClasses; ++c)
            ASSERT_EQ(found.correlation.row(i)[c], sum_by_definition(count, block, [&](int64_t n) {
                          return samples.predicted[n] == c ? x(n, i) : 0;
                      }));
        ASSERT_EQ(found.response_sum.data[i], sum_by_definition(count, block, [&](int64_t n) { return x(n, i); }));
    }
}

TEST(FixedResponseSums, EqualTheDefinitionToTheBitForEveryKernelAndThreadCount) {
    for (const int64_t filters : {1, 48, 92, 93}) {
        const Samples samples = some_samples(301, filters, 4);
        for (const int block : {1, 7, 128, 2000}) {
            const ResponseSums sums = sums_of(samples, block);
            const Responses all = finished(sums);
            expect_by_definition(all, samples, block);
            for (const std::string& kernel : kernels::supported_kernels()) {
                for (const int threads : {1, 2, 7}) {
                    Execution execution;
                    execution.threads = threads;
                    execution.kernel = kernel;
                    EXPECT_EQ(sums_of(samples, block, execution), sums) << kernel << " " << threads;
                    EXPECT_EQ(finished(sums, execution), all) << kernel << " " << threads;
                }
            }
        }
    }
}

TEST(FixedResponseSums, UpToOneBlockAreThePlainSumInSampleOrder) {
    const Samples samples = some_samples(40, 5, 2);
    const Responses all = finished(sums_of(samples, 40));
    for (int64_t i = 0; i < 5; ++i) {
        double sum = 0;
        for (int64_t n = 0; n < 40; ++n) sum += samples.responses.row(n)[i];
        EXPECT_EQ(all.response_sum.data[i], sum);
    }
}

TEST(FixedResponseSums, NeitherBatchesNorTheOrderOfBlocksChangeABit) {
    const Samples samples = some_samples(60, 9, 3);
    const ResponseSums whole = sums_of(samples, 10);
    for (const int64_t batch : {1, 3, 10, 60}) EXPECT_EQ(sums_of(samples, 10, {}, 0, 60, batch), whole) << batch;
    // The same blocks, the last one first.
    Samples turned = samples;
    for (int64_t n = 0; n < 60; ++n) {
        const int64_t from = (5 - n / 10) * 10 + n % 10;
        std::ranges::copy(samples.responses.row(from), turned.responses.row(n).begin());
        turned.predicted[n] = samples.predicted[from];
    }
    EXPECT_EQ(sums_of(turned, 10), whole);
    EXPECT_NE(sums_of(turned, 12).whole, sums_of(samples, 12).whole) << "the test cannot fail";
}

TEST(FixedResponseSums, MoreSamplesThanFitAreRefused) {
    ResponseSums sums = empty_sums(2, kClasses, {});
    sums.samples = 2000 * ((int64_t{1} << 34) / 2000);
    EXPECT_NO_THROW(check_sums(sums));
    ResponseSums more = empty_sums(2, kClasses, {.first = sums.samples, .end = {}});
    more.samples = 2000;
    EXPECT_NO_THROW(check_sums(more));
    EXPECT_THROW(merge(std::vector{sums, more}), InputError);
    sums.samples += 2000;
    EXPECT_THROW(check_sums(sums), InputError);
}

}  // namespace
}  // namespace spikelens

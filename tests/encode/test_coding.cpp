#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/random.h"
#include "spikelens/encode/coding.h"

namespace spikelens {
namespace {

using testing::AllOf;
using testing::HasSubstr;

FloatArray random_images(const Shape& shape, uint64_t seed) {
    FloatArray images(shape);
    for (int64_t i = 0; i < images.size(); ++i)
        images.data[i] = static_cast<float>(random_uniform(seed, Stream::test, {static_cast<uint64_t>(i)}));
    return images;
}

std::vector<int64_t> numbers(int64_t count, int64_t first = 0) {
    std::vector<int64_t> result(count);
    std::iota(result.begin(), result.end(), first);
    return result;
}

/// The steps at which one pixel of this value spikes.
std::vector<int> spike_steps(float x, const std::string& coding, int steps) {
    const std::vector<int64_t> sample{0};
    const Array<uint8_t> spikes = encode(FloatArray({1, 1, 1, 1}, {x}), parse_coding(coding), steps, 1, sample);
    std::vector<int> result;
    for (int t = 0; t < steps; ++t)
        for (int spike = 0; spike < spikes.data[t]; ++spike) result.push_back(t);
    return result;
}

std::string error_of(const std::string& text) {
    try {
        parse_coding(text);
    } catch (const InputError& error) {
        return error.what();
    }
    return "no error";
}

TEST(CodingText, CanonicalFormsRoundTrip) {
    for (const std::string text :
         {"direct", "rate", "latency", "latency(log)", "latency(log,tau=3)", "latency(log,x_min=0.1)",
          "latency(log,tau=3,x_min=0.1)", "delta", "delta(step=0.2)", "delta(step=1)"})
        EXPECT_EQ(coding_text(parse_coding(text)), text);
    EXPECT_EQ(coding_text(parse_coding("latency(x_min=0.05,tau=5.0,log)")), "latency(log)");
    EXPECT_EQ(coding_text(parse_coding("delta(step=0.10)")), "delta");
    EXPECT_EQ(parse_coding("latency(log,tau=3,x_min=0.1)"), (Coding{CodingKind::latency, true, 3, 0.1, 0.1}));
    EXPECT_EQ(parse_coding("direct"), Coding{});
}

TEST(CodingText, AnyNumberReadsBackAsItself) {
    for (uint64_t i = 0; i < 200; ++i) {
        Coding coding{CodingKind::latency, true, 20 * random_uniform(1, Stream::test, {i, 0}),
                      random_uniform(1, Stream::test, {i, 1}), 0.1};
        EXPECT_EQ(parse_coding(coding_text(coding)), coding);
        coding = {CodingKind::delta, false, 5, 0.05, random_uniform(1, Stream::test, {i, 2})};
        EXPECT_EQ(parse_coding(coding_text(coding)), coding);
    }
}

TEST(CodingText, ErrorsNameTheNearestWordOrWhatWasExpected) {
    const std::map<std::string, std::vector<std::string>> cases = {
        {"ratee", {"'ratee'", "did you mean 'rate'?"}},
        {"latnecy(log)", {"did you mean 'latency'?"}},
        {"spikes-please", {"known are direct, rate, latency, delta"}},
        {"", {"known are"}},
        {"rate(p=1)", {"rate has no option 'p'", "none is known"}},
        {"latency(log,taau=3)", {"latency has no option 'taau'", "did you mean 'tau'?"}},
        {"delta(stp=0.2)", {"did you mean 'step'?"}},
        {"delta(step=0.2", {"closing bracket"}},
        {"delta(step=0.2)x", {"closing bracket"}},
        {"delta(", {"closing bracket"}},
        {"delta()", {"no option ''"}},
        {"delta(step)", {"option step must be a number, not ''"}},
        {"delta(step=0.2x)", {"option step must be a number, not '0.2x'"}},
        {"delta(step=0)", {"option step must be", "at most 1", "not 0"}},
        {"delta(step=1.5)", {"not 1.5"}},
        {"delta(step=nan)", {"option step"}},
        {"delta(step=0.1,step=0.2)", {"given twice"}},
        {"latency(log=1)", {"log takes no value"}},
        {"latency(tau=3)", {"option tau belongs to logarithmic latency"}},
        {"latency(log,tau=0)", {"option tau must be a number above 0, not 0"}},
        {"latency(log,tau=inf)", {"option tau", "not inf"}},
        {"latency(log,x_min=1)", {"option x_min must be a number between 0 and 1, not 1"}},
    };
    for (const auto& [text, parts] : cases)
        for (const std::string& part : parts)
            EXPECT_THAT(error_of(text), AllOf(HasSubstr("coding '"), HasSubstr(part)));
}

TEST(CodingText, DamagedTextsAreRefusedOrRoundTrip) {
    const std::string seed = "latency(log,tau=3,x_min=0.1)", letters = "(),=.09-elogtaud x";
    int refused = 0;
    for (uint64_t i = 0; i < 5000; ++i) {
        std::string text = seed;
        for (uint64_t change = 0; change < 1 + i % 3; ++change) {
            const uint64_t bits = random_bits(2, Stream::test, {i, change});
            const size_t place = bits % text.size();
            if (bits >> 62 == 0)
                text.resize(place + 1);
            else
                text[place] = letters[(bits >> 32) % letters.size()];
        }
        try {
            const Coding coding = parse_coding(text);
            EXPECT_EQ(parse_coding(coding_text(coding)), coding) << text;
        } catch (const InputError&) {
            ++refused;
        }
    }
    EXPECT_GT(refused, 1000);
}

TEST(RateCoding, EverySpikeIsItsAddressedDraw) {
    const FloatArray images = random_images({3, 2, 4, 5}, 1);
    const std::vector<int64_t> samples{7, 0, 123456789};
    const Array<uint8_t> spikes = encode(images, parse_coding("rate"), 6, 42, samples);
    ASSERT_EQ(spikes.shape, (Shape{3, 6, 2, 4, 5}));
    for (uint64_t t = 0; t < 6; ++t)
        for (uint64_t n = 0; n < 3; ++n)
            for (uint64_t p = 0; p < 40; ++p) {
                const double draw = random_uniform(42, Stream::coding, {static_cast<uint64_t>(samples[n]), t, p});
                EXPECT_EQ(spikes.data[(n * 6 + t) * 40 + p], draw < images.data[n * 40 + p]);
            }
}

TEST(RateCoding, WhiteAlwaysSpikesAndBlackNever) {
    FloatArray images({1, 1, 50, 50}, 0.0F);
    for (size_t i = 0; i < images.data.size(); i += 2) images.data[i] = 1;
    const Array<uint8_t> spikes = encode(images, parse_coding("rate"), 40, 3, numbers(1));
    for (size_t i = 0; i < spikes.data.size(); ++i) EXPECT_EQ(spikes.data[i], i % 2 == 0);
}

TEST(RateCoding, SpikesAsOftenAsTheImageIsBright) {
    constexpr int steps = 50, pixels = 400;
    for (const float x : {0.01F, 0.25F, 0.5F, 0.9F}) {
        const Array<uint8_t> spikes = encode(FloatArray({4, 1, 20, 20}, x), parse_coding("rate"), steps, 5, numbers(4));
        constexpr double draws = 4.0 * steps * pixels;
        const double mean = std::accumulate(spikes.data.begin(), spikes.data.end(), 0.0) / draws;
        EXPECT_NEAR(mean, x, 5 * std::sqrt(x * (1 - x) / draws));
        double both = 0;  // neighbouring steps are independent
        for (int64_t n = 0; n < 4; ++n)
            for (int64_t i = pixels; i < steps * pixels; ++i) both += spikes.row(n)[i - pixels] * spikes.row(n)[i];
        const double pairs = draws * (steps - 1) / steps;
        EXPECT_NEAR(both / pairs, x * x, 5 * std::sqrt(3 * x * x * (1 - x * x) / pairs));
    }
}

TEST(RateCoding, DiffersBetweenSamplesSeedsAndSteps) {
    const FloatArray images({2, 1, 10, 10}, 0.5F);
    const Array<uint8_t> spikes = encode(images, parse_coding("rate"), 2, 1, numbers(2));
    const ArrayView<uint8_t> first = spikes.sub(0);
    EXPECT_FALSE(std::ranges::equal(first.row(0), first.row(1)));
    EXPECT_FALSE(std::ranges::equal(first.row(0), spikes.sub(1).row(0)));
    EXPECT_NE(encode(images, parse_coding("rate"), 2, 2, numbers(2)), spikes);
    EXPECT_NE(encode(images, parse_coding("rate"), 2, 1, numbers(2, 5)), spikes);
}

TEST(Encode, ASampleHasTheSameSpikesInAnyBatchOrderAndThread) {
    const FloatArray images = random_images({5, 2, 3, 3}, 2);
    for (const char* text : {"rate", "latency", "latency(log)", "delta"}) {
        const Coding coding = parse_coding(text);
        const Array<uint8_t> together = encode(images, coding, 7, 9, numbers(5));
        parallel_for(5, 2, [&](int64_t n, int) {  // here encode() itself stays in one thread
            const Array<uint8_t> alone = encode(images.rows(n, 1).copy(), coding, 7, 9, numbers(1, n));
            EXPECT_TRUE(std::ranges::equal(alone.data, together.row(n))) << text;
        });
    }
}

// Fewer steps of a coder whose steps do not depend on T are the first of more.
TEST(Encode, RateAndDeltaDoNotLookAhead) {
    const FloatArray images = random_images({2, 1, 4, 4}, 3);
    for (const char* text : {"rate", "delta"}) {
        const Array<uint8_t> longer = encode(images, parse_coding(text), 9, 1, numbers(2));
        const Array<uint8_t> shorter = encode(images, parse_coding(text), 4, 1, numbers(2));
        for (int64_t n = 0; n < 2; ++n)
            EXPECT_TRUE(std::ranges::equal(shorter.row(n), longer.row(n).first(shorter.row(n).size()))) << text;
    }
}

TEST(LatencyCoding, LinearTimesByHand) {
    // t = round(9·(1 − x))
    const std::vector<std::pair<float, int>> times = {{1.0F, 0},  {0.96875F, 0}, {0.9375F, 1}, {0.75F, 2}, {0.5F, 5},
                                                      {0.25F, 7}, {0.0625F, 8},  {1e-6F, 9},   {1e-40F, 9}};
    for (const auto& [x, t] : times) EXPECT_EQ(spike_steps(x, "latency", 10), std::vector<int>{t}) << x;
    EXPECT_TRUE(spike_steps(0, "latency", 10).empty());
    EXPECT_EQ(spike_steps(0.1F, "latency", 1), std::vector<int>{0});
}

TEST(LatencyCoding, LogarithmicTimesByHand) {
    // t = round(5·ln(x/(x − 0.05))): 0.26, 0.53, 3.47, 8.05, then 11.99, which is beyond the last step
    const std::vector<std::pair<float, int>> times = {{1.0F, 0}, {0.5F, 1}, {0.1F, 3}, {0.0625F, 8}};
    for (const auto& [x, t] : times) EXPECT_EQ(spike_steps(x, "latency(log)", 10), std::vector<int>{t}) << x;
    for (const float x : {0.055F, 0.05F, 0.04F, 0.0F}) EXPECT_TRUE(spike_steps(x, "latency(log)", 10).empty()) << x;
    EXPECT_EQ(spike_steps(0.055F, "latency(log)", 13), std::vector<int>{12});
    // x = 2·x_min: τ·ln 2
    EXPECT_EQ(spike_steps(0.5F, "latency(log,tau=3,x_min=0.25)", 10), std::vector<int>{2});
    EXPECT_TRUE(spike_steps(0.25F, "latency(log,tau=3,x_min=0.25)", 10).empty());
}

TEST(LatencyCoding, BrighterIsNeverLaterAndNoPixelSpikesTwice) {
    for (const char* text : {"latency", "latency(log)", "latency(log,tau=1.5,x_min=0.2)"})
        for (const int steps : {1, 2, 10, 37}) {
            int before = steps;
            for (int k = 0; k <= 255; ++k) {
                const auto at = spike_steps(static_cast<float>(k) / 255.0F, text, steps);
                ASSERT_LE(at.size(), 1U);
                const int t = at.empty() ? steps : at[0];
                EXPECT_LE(t, before) << text << " " << k;
                before = t;
            }
            EXPECT_EQ(before, 0) << text;
        }
}

TEST(DeltaCoding, SpikesByHand) {
    EXPECT_EQ(spike_steps(0.3F, "delta", 5), (std::vector{0, 1, 2}));
    EXPECT_EQ(spike_steps(0.29F, "delta", 5), (std::vector{0, 1}));
    EXPECT_EQ(spike_steps(0.3F, "delta", 2), (std::vector{0, 1}));
    EXPECT_EQ(spike_steps(1.0F, "delta", 20).size(), 10U);
    EXPECT_EQ(spike_steps(0.7F, "delta", 20).size(), 7U);
    EXPECT_TRUE(spike_steps(0.09F, "delta", 20).empty());
    EXPECT_TRUE(spike_steps(0.0F, "delta", 20).empty());
    EXPECT_EQ(spike_steps(1.0F, "delta(step=1)", 3), std::vector{0});
}

TEST(DeltaCoding, FollowsItsRecursion) {
    for (int k = 0; k <= 64; ++k) {  // multiples of 1/64 and a step of 1/8: nothing is rounded
        const double x = k / 64.0;
        double reconstruction = 0;
        std::vector<int> expected;
        for (int t = 0; t < 6; ++t) {
            if (x - reconstruction < 0.125) continue;
            reconstruction += 0.125;
            expected.push_back(t);
        }
        EXPECT_EQ(spike_steps(static_cast<float>(x), "delta(step=0.125)", 6), expected);
    }
}

TEST(DeltaCoding, TracksTheImageToWithinOneStep) {
    const FloatArray images = random_images({2, 1, 20, 20}, 6);
    for (const double step : {0.03, 0.1, 0.2, 1.0}) {
        const Coding coding{CodingKind::delta, false, 5, 0.05, step};
        const Array<uint8_t> spikes = encode(images, coding, 40, 1, numbers(2));
        for (int64_t i = 0; i < images.size(); ++i) {
            double sum = 0;
            for (int64_t t = 0; t < 40; ++t) sum += step * spikes.sub(i / 400).row(t)[i % 400];
            EXPECT_LE(sum, images.data[i] + 1e-7);
            EXPECT_GT(sum, images.data[i] - step - 1e-7);
        }
    }
}

TEST(Encode, BadInputGetsASentence) {
    const FloatArray image({1, 1, 1, 2}, {0.5F, 1});
    const Coding rate = parse_coding("rate");
    EXPECT_NO_THROW(encode(image, rate, 1, 1, numbers(1)));
    EXPECT_THROW(encode(image, Coding{}, 1, 1, numbers(1)), InputError);
    EXPECT_THROW(encode(image, rate, 0, 1, numbers(1)), InputError);
    EXPECT_THROW(encode(image, rate, 1, 1, numbers(2)), InputError);
    EXPECT_THROW(encode(FloatArray({1, 2}), rate, 1, 1, numbers(1)), InputError);
    EXPECT_THROW(encode(image, {CodingKind::delta, false, 5, 0.05, 0}, 1, 1, numbers(1)), InputError);
    EXPECT_THROW(encode(image, {CodingKind::latency, true, -1, 0.05, 0.1}, 1, 1, numbers(1)), InputError);
    for (const float bad :
         {-0.001F, 1.001F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
        EXPECT_THROW(encode(FloatArray({1, 1, 1, 2}, {0, bad}), rate, 1, 1, numbers(1)), InputError) << bad;
    EXPECT_EQ(encode(FloatArray({0, 1, 2, 2}), rate, 3, 1, {}).shape, (Shape{0, 3, 1, 2, 2}));
}

}  // namespace
}  // namespace spikelens

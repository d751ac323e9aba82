#include <numeric>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/random.h"
#include "spikelens/evaluate/decision_time.h"
#include "spikelens/snn/decision.h"

namespace spikelens {
namespace {

constexpr int64_t kSteps = 6;

Network network_of(const std::string& text) {
    Network network = parse_network(text, {1, 6, 6}, kSteps);
    initialise_weights(network, 7);
    for (Layer& layer : network.layers) {
        for (float& weight : layer.weight.data) weight *= 3;
        for (size_t i = 0; layer.steps > 0 && i < layer.weight.data.size(); ++i) {
            layer.weight.data[i] = 0.5F + static_cast<float>(random_uniform(8, Stream::test, {i}));
            layer.bias.data[i] = 0.6F * static_cast<float>(random_uniform(9, Stream::test, {i})) - 0.3F;
        }
    }
    return network;
}

Array<uint8_t> spikes_of(int64_t count) {
    Array<uint8_t> spikes({count, kSteps, 1, 6, 6});
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[i] = random_uniform(2, Stream::test, {static_cast<uint64_t>(i)}) < 0.3 ? 1 : 0;
    return spikes;
}

FloatArray images_of(int64_t count) {
    FloatArray images({count, 1, 6, 6});
    for (int64_t i = 0; i < images.size(); ++i)
        images.data[i] = static_cast<float>(random_uniform(1, Stream::test, {static_cast<uint64_t>(i)}));
    return images;
}

/// The first steps of spikes; of images the same images, for a network of so many steps.
FloatArray scores_after(const Network& network, const Input& input, int64_t steps) {
    Network shorter = network;
    shorter.steps = static_cast<int>(steps);
    for (Layer& layer : shorter.layers) {
        if (layer.steps == 0) continue;
        layer.steps = shorter.steps;
        for (FloatArray* values : {&layer.weight, &layer.bias}) {
            values->shape = layer.weight_shape();
            values->data.resize(steps * layer.out_channels);
        }
    }
    const CpuEngine engine(shorter);
    if (!input.spiking()) return engine.run(input).scores;
    Array<uint8_t> begin({input.samples(), steps, 1, 6, 6});
    for (int64_t n = 0; n < input.samples(); ++n)
        std::copy_n(input.spikes.row(n).begin(), begin.row_size(), begin.row(n).begin());
    return engine.run(begin).scores;
}

TEST(DecisionTime, FollowsTheScoresOfShorterRuns) {
    int64_t early = 0, late = 0;
    for (const char* text :
         {"4C3-LIF-MP2-8F-LIF-3F", "4C3-LIF-3F-LI(beta=0.7)", "4C3-LIF-3F-LI(beta=0.7,alpha=0.5)",
          "8F-LIF-3F-LIF(reset=zero)", "4C3-LIF-[4C3-LIF|]add-3F", "3C3-LIF-3C3-GAP", "3F", "4C3-BN6-LIF-3F-BN6"})
        for (const bool spiking : {false, true}) {
            const Network network = network_of(text);
            const Input input = spiking ? Input(spikes_of(12)) : Input(images_of(12));
            const std::vector<DecisionTime> times = DecisionWatch(network).watch(input);
            ASSERT_EQ(times.size(), 12U);
            for (int64_t t = 0; t < kSteps; ++t) {
                const FloatArray scores = scores_after(network, input, t + 1);
                for (int64_t n = 0; n < 12; ++n) {
                    EXPECT_EQ(times[n].predicted[t], decisions(scores)[n]) << text << " step " << t;
                    for (int64_t c = 0; c < 3; ++c)
                        EXPECT_NEAR(times[n].scores.row(t)[c], scores.row(n)[c], 1e-5) << text << " step " << t;
                }
            }
            for (const DecisionTime& time : times) {
                if (time.decided == 0) {
                    EXPECT_EQ(time.predicted.back(), kUndecided);
                    continue;
                }
                for (int64_t t = time.decided - 1; t < kSteps; ++t) EXPECT_EQ(time.predicted[t], time.predicted.back());
                if (time.decided > 1) {
                    EXPECT_NE(time.predicted[time.decided - 2], time.predicted.back());
                }
                ++(time.decided > 2 ? late : early);
            }
        }
    EXPECT_GT(early, 10);
    EXPECT_GT(late, 3);
}

TEST(DecisionTime, RefusesReadoutsThatPool) {
    Network network = network_of("8F-LIF-3F");
    EXPECT_TRUE(can_watch(network));
    network.layers.back().pool.kind = PoolKind::sum;
    EXPECT_FALSE(can_watch(network));
    EXPECT_THROW(DecisionWatch{network}, InputError);
}

TEST(TimeShares, SumToTheScoreLessThatOfSilence) {
    const CpuEngine engine(network_of("4C3-LIF-MP2-8F-LIF-3F"));
    const Array<uint8_t> spikes = spikes_of(2), silence({1, kSteps, 1, 6, 6});
    const float whole = engine.run(spikes).scores.row(1)[2] - engine.run(silence).scores.row(0)[2];
    for (const int64_t windows : {1, 3, 6, 8}) {
        const std::vector<TimeShare> shares = time_shares(engine, spikes.sub(1), 2, windows);
        ASSERT_EQ(static_cast<int64_t>(shares.size()), std::min(windows, kSteps));
        double sum = 0;
        for (const TimeShare& part : shares) sum += part.share;
        EXPECT_NEAR(sum, whole, 1e-6);
        EXPECT_EQ(shares.front().first, 0);
        EXPECT_EQ(shares.back().end, kSteps);
        for (size_t w = 1; w < shares.size(); ++w) EXPECT_EQ(shares[w].first, shares[w - 1].end);
    }
    EXPECT_THROW(time_shares(engine, spikes.sub(1), 2, 0), InputError);
    EXPECT_THROW(time_shares(engine, spikes.sub(1), 2, 9), InputError);
}

/// A readout alone adds up what each step brings: so do shares.
TEST(TimeShares, OfALinearNetworkAreWhatEachStepBrings) {
    const Network network = network_of("3F");
    const CpuEngine engine(network);
    const Array<uint8_t> spikes = spikes_of(1);
    const std::vector<TimeShare> shares = time_shares(engine, spikes.sub(0), 1, 3);
    for (const TimeShare& part : shares) {
        double sum = 0;
        for (int64_t t = part.first; t < part.end; ++t)
            for (int64_t p = 0; p < 36; ++p)
                sum += double{network.layers[0].weight.row(1)[p]} * spikes.row(0)[t * 36 + p] / double{kSteps};
        EXPECT_NEAR(part.share, sum, 1e-6);
    }
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/resize.h"

#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

constexpr int64_t steps = 8, channels = 2, height = 6, width = 7, pixels = height * width, size = channels * pixels;

class PerturbedSpikes : public testing::Test {
  protected:
    Network network = test::small_network("4C3-LIF-MP2-8F-LIF-5F", {channels, height, width}, 5);
    CpuEngine simulator{network};
    Array<uint8_t> spikes = test::test_spikes(steps, 2, {channels, height, width});
    std::vector<int> targets{0, 3};
    std::vector<int64_t> samples{4, 5};

    FloatArray map(const std::string& spec, uint64_t seed = 1) {
        return explain(parse_method(spec), {.engine = &simulator, .seed = seed}, {spikes, targets, samples});
    }

    /// The recording of one sample, [T, C, H, W].
    std::vector<uint8_t> recording(int64_t n) const { return {spikes.row(n).begin(), spikes.row(n).end()}; }

    std::vector<float> scores(const std::vector<uint8_t>& recorded) const {
        return simulator.run(Array<uint8_t>({1, steps, channels, height, width}, recorded)).scores.data;
    }

    double score(const std::vector<uint8_t>& recorded, int target) const { return scores(recorded)[target]; }
};

TEST_F(PerturbedSpikes, OcclusionIsTheMeanDropWithoutTheCoveringPatches) {
    const FloatArray maps = map("occlusion:size=3:stride=2");
    ASSERT_EQ(maps.shape, (Shape{2, 1, height, width}));
    double largest = 0;
    for (int64_t n = 0; n < 2; ++n) {
        std::vector<double> drops(pixels), covers(pixels);
        for (int64_t top : {0, 2, 4}) {
            for (int64_t left : {0, 2, 4}) {
                const auto inside = [&](int64_t p) {
                    return p / width >= top && p / width < top + 3 && p % width >= left && p % width < left + 3;
                };
                std::vector<uint8_t> left_over = recording(n);
                for (int64_t i = 0; i < steps * size; ++i)
                    if (inside(i % pixels)) left_over[i] = 0;
                const double drop = score(recording(n), targets[n]) - score(left_over, targets[n]);
                for (int64_t p = 0; p < pixels; ++p)
                    if (inside(p)) drops[p] += drop, covers[p] += 1;
            }
        }
        for (int64_t p = 0; p < pixels; ++p) {
            EXPECT_NEAR(maps.row(n)[p], drops[p] / covers[p], 1e-6);
            largest = std::max(largest, std::abs(drops[p]));
        }
    }
    EXPECT_GT(largest, 0.01);
    EXPECT_THROW(map("occlusion:baseline=mean"), InputError);
}

TEST_F(PerturbedSpikes, SpikeOcclusionIsTheDropWithoutEachPlace) {
    const FloatArray attribution = map("spike_occlusion");
    ASSERT_EQ(attribution.shape, spikes.shape);
    int changed = 0;
    for (int64_t n = 0; n < 2; ++n) {
        const double full = score(recording(n), targets[n]);
        for (int64_t place = 0; place < steps * size; ++place) {
            std::vector<uint8_t> left = recording(n);
            const float value = attribution.row(n)[place];
            if (left[place] == 0) {
                EXPECT_EQ(value, 0) << "no spike, no value";
                continue;
            }
            left[place] = 0;
            EXPECT_NEAR(value, full - score(left, targets[n]), 1e-6) << "sample " << n << ", place " << place;
            changed += value != 0;
        }
    }
    EXPECT_GT(changed, 50);
}

/// The reference walks along each pixel and channel and closes a group when it is full.
TEST_F(PerturbedSpikes, GroupsShareTheDropOfTheirSpikes) {
    for (int64_t group : {2, 3, 100}) {
        const FloatArray attribution = map("spike_occlusion:group=" + std::to_string(group));
        for (int64_t n = 0; n < 2; ++n) {
            const double full = score(recording(n), targets[n]);
            for (int64_t line = 0; line < size; ++line) {
                std::vector<int64_t> open;
                for (int64_t t = 0; t <= steps; ++t) {
                    if (t < steps && recording(n)[t * size + line] > 0) open.push_back(t);
                    if (open.empty() || (t < steps && static_cast<int64_t>(open.size()) < group)) continue;
                    std::vector<uint8_t> left = recording(n);
                    for (int64_t closed : open) left[closed * size + line] = 0;
                    const double share = (full - score(left, targets[n])) / static_cast<double>(open.size());
                    for (int64_t closed : open) EXPECT_NEAR(attribution.row(n)[closed * size + line], share, 1e-6);
                    open.clear();
                }
            }
        }
    }
}

TEST_F(PerturbedSpikes, MoreGroupsThanFitOneBatch) {
    // 300 steps of 2·34·34 places: 96 copies make 64 MiB, and there are more groups.
    const Network larger = test::small_network("2C5s3-LIF-MP2-3F", {2, 34, 34}, 5);
    const CpuEngine simulate(larger);
    Array<uint8_t> sparse({1, 300, 2, 34, 34});
    for (int64_t i = 0; i < 130; ++i) sparse.data[i * 5333 % sparse.size()] = 1;
    const std::vector<int> target{1};
    const std::vector<int64_t> sample{0};
    const FloatArray map = explain(parse_method("spike_occlusion"), {.engine = &simulate}, {sparse, target, sample});
    const double full = simulate.run(sparse).scores.data[1];
    for (int64_t i : {0, 40, 95, 96, 97, 129}) {
        Array<uint8_t> left = sparse;
        left.data[i * 5333 % sparse.size()] = 0;
        EXPECT_NEAR(map.data[i * 5333 % sparse.size()], full - simulate.run(left).scores.data[1], 1e-6);
    }
}

TEST_F(PerturbedSpikes, SilenceIsExplainedByZeros) {
    std::ranges::fill(spikes.data, uint8_t{0});
    for (const char* spec : {"spike_occlusion", "occlusion"}) {
        for (float value : map(spec).data) EXPECT_EQ(value, 0) << spec;
    }
}

TEST_F(PerturbedSpikes, RiseIsTheMeanProbabilityOverTheBinaryMasksThatShowThePixel) {
    const FloatArray maps = map("rise:masks=300:grid=3:p=0.4", 9);
    ASSERT_EQ(maps.shape, (Shape{2, 1, height, width}));
    for (int64_t n = 0; n < 2; ++n) {
        std::vector<double> sum(pixels), shown(pixels);
        for (uint64_t k = 0; k < 300; ++k) {
            FloatArray cells({3, 3});
            for (uint64_t i = 0; i < 9; ++i)
                cells.data[i] = random_uniform(9, Stream::masks, {k, 0, i}) < 0.4 ? 1.0F : 0.0F;
            const FloatArray large = resize_bilinear(cells, 4 * 2, 4 * 3);  // cells of ⌈6/3⌉ × ⌈7/3⌉ pixels
            const auto down = static_cast<int64_t>(random_uniform(9, Stream::masks, {k, 1, 0}) * 2);
            const auto right = static_cast<int64_t>(random_uniform(9, Stream::masks, {k, 1, 1}) * 3);
            std::vector<uint8_t> kept = recording(n);
            std::vector<bool> visible(pixels);
            for (int64_t p = 0; p < pixels; ++p)
                visible[p] = large.data[(p / width + down) * 12 + p % width + right] >= 0.5F;
            for (int64_t i = 0; i < steps * size; ++i)
                if (!visible[i % pixels]) kept[i] = 0;
            const std::vector<float> all = scores(kept);
            double normaliser = 0;
            for (float value : all) normaliser += std::exp(value);
            for (int64_t p = 0; p < pixels; ++p) {
                sum[p] += visible[p] ? std::exp(all[targets[n]]) / normaliser : 0;
                shown[p] += visible[p] ? 1 : 0;
            }
        }
        for (int64_t p = 0; p < pixels; ++p) EXPECT_NEAR(maps.row(n)[p], sum[p] / shown[p], 1e-6);
    }
}

TEST_F(PerturbedSpikes, RiseOfMasksThatShowNothingIsZero) {
    for (float value : map("rise:masks=1:p=0.000001").data) EXPECT_EQ(value, 0);
}

}  // namespace
}  // namespace spikelens

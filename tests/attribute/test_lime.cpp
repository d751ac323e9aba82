#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/core/error.h"

#include "attribute/superpixels.h"
#include "linear_algebra.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

bool is_on(uint64_t seed, int64_t sample, int64_t draw, int segment) {
    const uint64_t bits = random_bits(
        seed, Stream::masks, {static_cast<uint64_t>(sample), static_cast<uint64_t>(draw), uint64_t(segment / 64)});
    return (bits >> (segment % 64)) & 1;
}

double probability(const std::vector<float>& scores, int target) {
    double sum = 0;
    for (float score : scores) sum += std::exp(score);
    return std::exp(scores[target]) / sum;
}

/// The definition: `response(on)` is the probability with these segments shown; per pixel the weight of its segment.
template <class Response>
std::vector<double> reference(const Superpixels& segments, uint64_t seed, int64_t sample, int64_t draws,
                              Response response) {
    std::vector<std::vector<double>> z;
    std::vector<double> y, weight;
    for (int64_t k = 0; k < draws; ++k) {
        std::vector<double> on;
        double dot = 0;
        for (int s = 0; s < segments.count; ++s) dot += on.emplace_back(is_on(seed, sample, k, s) ? 1 : 0);
        const double cosine = dot > 0 ? dot / (std::sqrt(dot) * std::sqrt(static_cast<double>(segments.count))) : 0;
        weight.push_back(std::exp(-(1 - cosine) * (1 - cosine) / (0.25 * 0.25)));
        y.push_back(response(on));
        z.push_back(on);
    }
    const std::vector<double> b = test::ridge_with_intercept(z, y, weight, 1);
    std::vector<double> map;
    for (int segment : segments.segment) map.push_back(b[segment + 1]);
    return map;
}

void expect_equal(std::span<const float> map, const std::vector<double>& expected) {
    ASSERT_EQ(map.size(), expected.size());
    double largest = 0;
    for (size_t p = 0; p < map.size(); ++p) {
        EXPECT_NEAR(map[p], expected[p], 1e-6) << p;
        largest = std::max(largest, std::abs(expected[p]));
    }
    EXPECT_GT(largest, 1e-3) << "the network must answer for this test to mean anything";
}

class Lime : public testing::Test {
  protected:
    Network network = test::small_network("4C3-LIF-MP2-8F-LIF-5F", {2, 16, 18}, 6);
    CpuEngine simulator{network};
    std::vector<int> targets{0, 3};
    std::vector<int64_t> samples{4, 5};

    FloatArray map(const std::string& spec, const Input& input, uint64_t seed = 9) {
        return explain(parse_method(spec), {.engine = &simulator, .seed = seed}, {input, targets, samples});
    }
};

TEST_F(Lime, OfImagesIsTheRidgeRegressionOfItsDraws) {
    const FloatArray images = test::test_images(2, {2, 16, 18});
    for (const Baseline baseline : {Baseline::black, Baseline::mean}) {
        const FloatArray absent = baseline_images(images, baseline);
        const FloatArray maps = map("lime:segments=12:samples=300:baseline=" + baseline_text(baseline), images);
        ASSERT_EQ(maps.shape, (Shape{2, 1, 16, 18}));
        for (int64_t n = 0; n < 2; ++n) {
            const Superpixels segments = slic_superpixels(images.row(n), {2, 16, 18}, 12);
            expect_equal(maps.row(n), reference(segments, 9, samples[n], 300, [&](const std::vector<double>& on) {
                             FloatArray shown({1, 2, 16, 18});
                             for (int64_t i = 0; i < shown.size(); ++i)
                                 shown.data[i] =
                                     on[segments.segment[i % 288]] > 0 ? images.row(n)[i] : absent.row(n)[i];
                             return probability(simulator.run(shown).scores.data, targets[n]);
                         }));
        }
    }
}

TEST_F(Lime, OfSpikesSwitchesTheCellsOfAGrid) {
    const Array<uint8_t> spikes = test::test_spikes(7, 2, {2, 16, 18});
    const FloatArray maps = map("lime:segments=80:samples=200", spikes);  // more than the 64 bits of one address
    ASSERT_EQ(maps.shape, (Shape{2, 1, 16, 18}));
    const Superpixels cells = grid_superpixels(16, 18, 80);
    ASSERT_GT(cells.count, 64);
    for (int64_t n = 0; n < 2; ++n) {
        expect_equal(maps.row(n), reference(cells, 9, samples[n], 200, [&](const std::vector<double>& on) {
                         Array<uint8_t> shown({1, 7, 2, 16, 18});
                         for (int64_t i = 0; i < shown.size(); ++i)
                             shown.data[i] = on[cells.segment[i % 288]] > 0 ? spikes.row(n)[i] : 0;
                         return probability(simulator.run(shown).scores.data, targets[n]);
                     }));
    }
    EXPECT_THROW(map("lime:baseline=blur", spikes), InputError);
}

TEST_F(Lime, FollowsItsSeed) {
    const FloatArray images = test::test_images(2, {2, 16, 18});
    EXPECT_EQ(map("lime:samples=50", images), map("lime:samples=50", images));
    EXPECT_NE(map("lime:samples=50", images), map("lime:samples=50", images, 2));
}

/// A network that only one half of the picture reaches: the segments of the other get next to nothing.
TEST(LimeOfAHalf, FindsWhereTheEvidenceIs) {
    Network network = parse_network("2F-IF-2F", {1, 8, 8}, 10, {.neuron = {}, .bias = false});
    for (int64_t i = 0; i < 64; ++i) network.layers[0].weight.data[i] = i % 8 < 4 ? 0.05F : 0.0F;
    network.layers[1].weight.data = {2, 0, 0, 0};
    const CpuEngine simulator(network);
    const FloatArray image({1, 1, 8, 8}, 1.0F);
    const std::vector<int> target{0};
    const std::vector<int64_t> sample{0};
    const FloatArray map = explain(parse_method("lime:segments=16"), {.engine = &simulator}, {image, target, sample});
    double seen = 0, unseen = 0;
    for (int64_t i = 0; i < 64; ++i) {
        if (i % 8 >= 4) {
            unseen += std::abs(map.data[i]);
            continue;
        }
        EXPECT_GT(map.data[i], 0);
        seen += map.data[i];
    }
    EXPECT_GT(seen, 20 * unseen);
}

}  // namespace
}  // namespace spikelens

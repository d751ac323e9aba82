#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/resize.h"

#include "small_network.h"

namespace spikelens {
namespace {

class PerturbingMethods : public testing::Test {
  protected:
    Network network = test::two_conv_network({2, 9, 10});
    CpuEngine simulator{network};
    FloatArray images = test::test_images(2, {2, 9, 10});
    std::vector<int> targets{0, 3};
    std::vector<int64_t> samples{4, 5};

    FloatArray map(const std::string& spec, uint64_t seed = 1) {
        return explain(parse_method(spec), {.engine = &simulator, .seed = seed}, {images, targets, samples});
    }

    double score(const std::vector<float>& image, int target) {
        return simulator.run(FloatArray({1, 2, 9, 10}, image)).scores.data[target];
    }
};

TEST_F(PerturbingMethods, OcclusionIsTheMeanDropOfTheCoveringPatches) {
    const FloatArray maps = map("occlusion:size=4:stride=3");
    ASSERT_EQ(maps.shape, (Shape{2, 1, 9, 10}));
    for (int64_t n = 0; n < 2; ++n) {
        const std::vector<float> image(images.row(n).begin(), images.row(n).end());
        const double full = score(image, targets[n]);
        std::vector<double> drops(90), covers(90);
        for (int64_t top : {0, 3, 6}) {       // the last patch reaches beyond the ninth row and is clipped
            for (int64_t left : {0, 3, 6}) {  // the last patch ends with the tenth column
                std::vector<float> covered = image;
                std::vector<int64_t> inside;
                for (int64_t p = 0; p < 90; ++p) {
                    if (p / 10 >= top && p / 10 < top + 4 && p % 10 >= left && p % 10 < left + 4) inside.push_back(p);
                }
                for (int64_t p : inside) covered[p] = covered[90 + p] = 0;
                const double drop = full - score(covered, targets[n]);
                for (int64_t p : inside) drops[p] += drop, covers[p] += 1;
            }
        }
        for (int64_t p = 0; p < 90; ++p) EXPECT_NEAR(maps.row(n)[p], drops[p] / covers[p], 1e-6);
    }
}

TEST_F(PerturbingMethods, OcclusionOfSinglePixelsIsTheirDrop) {
    const Network larger =
        test::small_network("4C3-LIF-MP2-5F", {1, 17, 17}, 4);  // 289 patches: more than fit one batch
    const CpuEngine simulate(larger);
    const FloatArray image = test::test_images(1, {1, 17, 17});
    const std::vector<int> target{2};
    const std::vector<int64_t> sample{0};
    const FloatArray map =
        explain(parse_method("occlusion:size=1:stride=1"), {.engine = &simulate}, {image, target, sample});
    const double full = simulate.run(image).scores.data[2];
    for (int64_t p = 0; p < 289; ++p) {
        FloatArray covered = image;
        covered.data[p] = 0;
        EXPECT_NEAR(map.data[p], full - simulate.run(covered).scores.data[2], 1e-6);
    }
}

TEST_F(PerturbingMethods, OcclusionWithTheMeanLeavesAConstantImageAlone) {
    for (float& value : images.data) value = 0.5F;
    for (float value : map("occlusion:baseline=mean").data) EXPECT_EQ(value, 0);
    EXPECT_NE(map("occlusion"), map("occlusion:baseline=mean"));
}

TEST_F(PerturbingMethods, RiseIsTheWeightedSumOfItsMasks) {
    const FloatArray maps = map("rise:masks=300:grid=4:p=0.4", 9),
                     expected = map("rise:masks=300:grid=4:p=0.4:divide=expected", 9);
    const int64_t cell_height = 3, cell_width = 3;  // ⌈9/4⌉, ⌈10/4⌉
    for (int64_t n = 0; n < 2; ++n) {
        std::vector<double> sum(90), shown(90);
        for (uint64_t k = 0; k < 300; ++k) {
            FloatArray cells({4, 4});
            for (uint64_t i = 0; i < 16; ++i)
                cells.data[i] = random_uniform(9, Stream::masks, {k, 0, i}) < 0.4 ? 1.0F : 0.0F;
            const FloatArray large = resize_bilinear(cells, 5 * cell_height, 5 * cell_width);
            const auto down = static_cast<int64_t>(random_uniform(9, Stream::masks, {k, 1, 0}) * 3);
            const auto right = static_cast<int64_t>(random_uniform(9, Stream::masks, {k, 1, 1}) * 3);
            std::vector<float> image(images.row(n).begin(), images.row(n).end()), mask(90);
            for (int64_t p = 0; p < 90; ++p) mask[p] = large.data[(p / 10 + down) * 15 + p % 10 + right];
            for (int64_t i = 0; i < 180; ++i) image[i] *= mask[i % 90];
            const FloatArray scores = simulator.run(FloatArray({1, 2, 9, 10}, image)).scores;
            double normaliser = 0;
            for (float value : scores.data) normaliser += std::exp(value);
            for (int64_t p = 0; p < 90; ++p) {
                sum[p] += std::exp(scores.data[targets[n]]) / normaliser * mask[p];
                shown[p] += mask[p];
            }
        }
        for (int64_t p = 0; p < 90; ++p) {
            EXPECT_NEAR(maps.row(n)[p], sum[p] / shown[p], 1e-6);
            EXPECT_NEAR(expected.row(n)[p], sum[p] / (300 * 0.4), 1e-6);
        }
    }
}

TEST_F(PerturbingMethods, RiseWithAllCellsShownIsTheProbability) {
    const FloatArray maps = map("rise:masks=3:p=1");
    const FloatArray scores = simulator.run(images).scores;
    for (int64_t n = 0; n < 2; ++n) {
        double normaliser = 0;
        for (float value : scores.row(n)) normaliser += std::exp(value);
        for (float value : maps.row(n)) EXPECT_NEAR(value, std::exp(scores.row(n)[targets[n]]) / normaliser, 1e-6);
    }
}

TEST_F(PerturbingMethods, RiseFollowsItsSeed) {
    EXPECT_EQ(map("rise:masks=20"), map("rise:masks=20"));
    EXPECT_NE(map("rise:masks=20"), map("rise:masks=20", 2));
}

}  // namespace
}  // namespace spikelens

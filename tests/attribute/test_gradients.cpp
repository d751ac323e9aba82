#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/attribute/completeness.h"
#include "spikelens/core/error.h"

#include "small_network.h"

namespace spikelens {
namespace {

const Shape input_shape{1, 6, 6};

Network gradient_test_network() { return test::small_network("3C3-LIF-AP2-6F-LIF-4F", input_shape, 4); }

/// The step replaced by a wide smooth one, its exact derivative followed everywhere: integrated gradients must be
/// complete.
GradientOptions smooth_options() {
    GradientOptions options;
    options.surrogate = parse_surrogate("atan(2)");
    options.surrogate.through_reset = true;
    options.smooth = true;
    options.double_precision = true;
    return options;
}

struct Explained {
    FloatArray images = test::test_images(3, input_shape);
    std::vector<int> targets{0, 3, 1};
    std::vector<int64_t> samples{0, 1, 2};

    FloatArray by(const std::string& spec, const CpuEngine& engine) const {
        return explain(parse_method(spec), {.engine = &engine}, {images, targets, samples});
    }
};

TEST(Grad2D, IsTheGradient) {
    const CpuEngine engine(gradient_test_network());
    const Explained explained;
    EXPECT_EQ(explained.by("grad2d", engine), engine.gradient(explained.images, explained.targets).gradient);
}

TEST(IntegratedGradients, AreCompleteOnASmoothNetwork) {
    const CpuEngine engine(gradient_test_network(), {}, smooth_options());
    Explained explained;
    for (int64_t i = 0; i < explained.images.size(); ++i) {  // a bright half, so that every baseline is far away
        if (i % 6 < 3) explained.images.data[i] += 2;
    }
    const FloatArray at_image = engine.gradient(explained.images, explained.targets).scores;
    for (const char* baseline : {"black", "blur", "mean"}) {
        const FloatArray from = baseline_images(explained.images, parse_baseline(baseline));
        const FloatArray at_baseline = engine.gradient(from, explained.targets).scores;
        const FloatArray maps = explained.by("ig2d:steps=400:baseline=" + std::string(baseline), engine);
        for (const Completeness& sample : completeness(maps, at_image, at_baseline, explained.targets)) {
            EXPECT_GT(std::abs(sample.difference), 0.01) << baseline;
            EXPECT_LE(sample.gap, 0.01 * std::abs(sample.difference)) << baseline;
        }
    }
}

TEST(IntegratedGradients, FollowTheirFormula) {
    const CpuEngine engine(gradient_test_network());
    const Explained explained;
    const FloatArray maps = explained.by("ig2d:steps=3:baseline=mean", engine);
    const FloatArray from = baseline_images(explained.images, Baseline::mean);
    std::vector<double> expected(maps.size());
    for (int k = 1; k <= 3; ++k) {
        FloatArray point = from;
        for (int64_t i = 0; i < point.size(); ++i) {
            point.data[i] += static_cast<float>(k) / 3.0F * (explained.images.data[i] - from.data[i]);
        }
        const FloatArray at_point = engine.gradient(point, explained.targets).gradient;
        for (int64_t i = 0; i < maps.size(); ++i)
            expected[i] += (explained.images.data[i] - from.data[i]) * at_point.data[i] / 3.0;
    }
    for (int64_t i = 0; i < maps.size(); ++i)
        EXPECT_NEAR(maps.data[i], expected[i], 1e-6 + 1e-5 * std::abs(expected[i]));
}

TEST(IntegratedGradients, OfOneStepAreGradientTimesInput) {
    const CpuEngine engine(gradient_test_network());
    const Explained explained;
    const FloatArray maps = explained.by("ig2d:steps=1", engine), gradients = explained.by("grad2d", engine);
    for (int64_t i = 0; i < maps.size(); ++i)
        EXPECT_FLOAT_EQ(maps.data[i], explained.images.data[i] * gradients.data[i]);
}

TEST(CompletenessGap, ByHand) {
    const FloatArray attribution({2, 1, 1, 2}, {1, -0.25F, 2, 3});
    const FloatArray image({2, 2}, {0, 2, 7, 0}), baseline({2, 2}, {0, 1, 1, 0});
    const std::vector<int> targets{1, 0};
    const auto result = completeness(attribution, image, baseline, targets);
    EXPECT_DOUBLE_EQ(result[0].attributed, 0.75);
    EXPECT_DOUBLE_EQ(result[0].difference, 1);
    EXPECT_DOUBLE_EQ(result[0].gap, 0.25);
    EXPECT_DOUBLE_EQ(result[1].gap, 1);
    const std::vector<int> outside{1, 2}, fewer{1};
    EXPECT_THROW(completeness(attribution, image, baseline, outside), InputError);
    EXPECT_THROW(completeness(attribution, image, baseline, fewer), InputError);
}

}  // namespace
}  // namespace spikelens

#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/attribute/baseline.h"
#include "spikelens/core/error.h"

#include "small_network.h"

namespace spikelens {
namespace {

TEST(Baseline, NamesRoundTrip) {
    for (Baseline baseline : {Baseline::black, Baseline::blur, Baseline::mean}) {
        EXPECT_EQ(parse_baseline(baseline_text(baseline)), baseline);
    }
    EXPECT_THROW(parse_baseline("blurr"), InputError);
}

TEST(Baseline, BlackIsZeroAndMeanIsPerChannel) {
    const FloatArray images({1, 2, 1, 2}, {1, 3, 10, 30});
    EXPECT_EQ(baseline_images(images, Baseline::black), FloatArray({1, 2, 1, 2}));
    EXPECT_EQ(baseline_images(images, Baseline::mean), FloatArray({1, 2, 1, 2}, {2, 2, 20, 20}));
    EXPECT_THROW(baseline_images(FloatArray({2, 2}), Baseline::mean), InputError);
}

/// The two-dimensional sum, written out: weights exp(−(i² + j²)/2σ²), indices walked back and forth at the border.
double blurred(const FloatArray& image, int64_t y, int64_t x) {
    const auto walk = [](int64_t index, int64_t extent) {
        while (extent > 1 && (index < 0 || index >= extent)) index = index < 0 ? -index : 2 * (extent - 1) - index;
        return extent > 1 ? index : 0;
    };
    double sum = 0, weights = 0;
    for (int64_t i = -5; i <= 5; ++i) {
        for (int64_t j = -5; j <= 5; ++j) {
            const double weight = std::exp(-static_cast<double>(i * i + j * j) / 50.0);
            weights += weight;
            sum += weight * image.data[walk(y + i, image.shape[2]) * image.shape[3] + walk(x + j, image.shape[3])];
        }
    }
    return sum / weights;
}

TEST(Baseline, BlurIsTheGaussianSumAlsoInImagesSmallerThanTheKernel) {
    for (const Shape& shape : {Shape{1, 16, 13}, Shape{1, 3, 7}, Shape{1, 1, 4}, Shape{1, 2, 1}}) {
        const FloatArray image = test::test_images(1, shape);
        const FloatArray blur = baseline_images(image, Baseline::blur);
        for (int64_t y = 0; y < shape[1]; ++y) {
            for (int64_t x = 0; x < shape[2]; ++x) {
                EXPECT_NEAR(blur.data[y * shape[2] + x], blurred(image, y, x), 1e-6)
                    << shape_text(shape) << y << "," << x;
            }
        }
    }
}

TEST(Baseline, BlurKeepsAConstantImageAndImagesApart) {
    FloatArray images({2, 1, 12, 12}, 0.25F);
    for (float& value : images.row(1)) value = 1;
    const FloatArray blur = baseline_images(images, Baseline::blur);
    for (float value : blur.row(0)) EXPECT_NEAR(value, 0.25, 1e-6);
    for (float value : blur.row(1)) EXPECT_NEAR(value, 1, 1e-6);
}

}  // namespace
}  // namespace spikelens

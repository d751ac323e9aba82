#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "small_network.h"

namespace spikelens {
namespace {

/// N and M as the paper writes them, per step, then summed over steps: from the recorded spikes of sample n at one pixel.
double sam_at(const Array<uint8_t>& spikes, int64_t n, int64_t pixel, double gamma) {
    const int64_t pixels = spikes.shape[3] * spikes.shape[4];
    const auto spike = [&](int64_t t, int64_t k) {
        return spikes.data[((t * spikes.shape[1] + n) * spikes.shape[2] + k) * pixels + pixel];
    };
    double sum = 0;
    for (int64_t t = 0; t < spikes.shape[0]; ++t) {
        for (int64_t k = 0; k < spikes.shape[2]; ++k) {
            double earlier = 0;
            for (int64_t before = 0; before < t; ++before) {
                if (spike(before, k)) earlier += std::exp(-gamma * static_cast<double>(t - before));
            }
            sum += earlier * spike(t, k);
        }
    }
    return sum;
}

TEST(Sam, IsTheSumOverStepsOfThePapersMap) {
    // The only convolution keeps the input's size, so no resize stands between the map and the definition.
    const Network network = test::small_network("4C3-LIF-MP2-5F", {1, 8, 8}, 9);
    const Simulator simulator(network);
    const FloatArray images = test::test_images(3, {1, 8, 8});
    const std::vector<int> targets{0, 1, 2};
    const std::vector<int64_t> samples{0, 1, 2};
    const Recording recording = simulator.run(images, {.layers = {0}, .spikes = true});
    for (const double gamma : {0.5, 2.0}) {
        const std::string spec = "sam:gamma=" + std::to_string(gamma);
        const FloatArray map = explain(parse_method(spec), {.simulator = &simulator}, {images, targets, samples});
        double total = 0;
        for (int64_t n = 0; n < 3; ++n) {
            for (int64_t pixel = 0; pixel < 64; ++pixel) {
                const double expected = sam_at(recording.layer(0).spikes, n, pixel, gamma);
                EXPECT_NEAR(map.row(n)[pixel], expected, 1e-6 + 1e-6 * expected);
                total += expected;
            }
        }
        EXPECT_GT(total, 1) << "the network must spike for this test to mean anything";
    }
}

TEST(Sam, ReadsTheLastConvolutionUnlessTold) {
    const Network network = test::two_conv_network();
    const Simulator simulator(network);
    const FloatArray images = test::test_images(2, {1, 12, 12});
    const std::vector<int> targets{0, 0};
    const std::vector<int64_t> samples{0, 1};
    const auto map = [&](const std::string& spec) {
        return explain(parse_method(spec), {.simulator = &simulator}, {images, targets, samples});
    };
    EXPECT_EQ(map("sam"), map("sam:layer=conv2"));
    EXPECT_NE(map("sam"), map("sam:layer=conv1"));
    EXPECT_THROW(map("sam:layer=full3"), InputError);
}

}  // namespace
}  // namespace spikelens

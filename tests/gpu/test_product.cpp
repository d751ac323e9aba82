#include <tuple>

#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "gpu/device.h"

namespace spikelens::gpu {
namespace {

uint64_t drawn(uint64_t what, int64_t i, uint64_t below) {
    return random_bits(3, Stream::test, {what, static_cast<uint64_t>(i)}) % below;
}

/// Weights of 24 bits and a sign; a fifth of them as large as they can be.
int32_t weight_at(int64_t i) {
    const int32_t sign = drawn(1, i, 2) == 0 ? 1 : -1;
    return sign * static_cast<int32_t>(drawn(2, i, 5) == 0 ? 1 << 24 : drawn(3, i, 1 << 24));
}

TEST(Slices, MakeUpTheirWeight) {
    for (int64_t i = 0; i < 100'000; ++i) {
        const int64_t weight = weight_at(i);
        int64_t sum = 0;
        for (int slice = 0; slice < 4; ++slice) sum += int64_t{slice_of(weight, slice)} * (int64_t{1} << (8 * slice));
        EXPECT_EQ(sum, weight);
    }
}

TEST(Slices, AThreadHoldsAllFourOfAnOutputAndEveryOneIsHeldOnce) {
    std::vector<int> held(Tile<2>::kRows * Tile<2>::kColumns);
    for (int thread = 0; thread < Tile<2>::kThreads; ++thread)
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 8; ++j)
                for (int e = 0; e < 4; ++e) {
                    const int column = sum_column(thread, j, e);
                    ++held[sum_row(thread, i, e) * Tile<2>::kColumns + column];
                    EXPECT_EQ(column_slice(column), j % 4);
                    EXPECT_EQ(column_output(column), column_output(sum_column(thread, j / 4 * 4, e)));
                }
    for (const int times : held) EXPECT_EQ(times, 1);
}

struct Case {
    Window window;
    int outputs, tile_outputs, lanes, samples, steps;
};

/// Σ over all steps of the products under the kernel, in int64.
int64_t total_by_definition(const Case& of, const std::vector<uint8_t>& input, const std::vector<int32_t>& weights,
                            int sample, int pixel, int output) {
    const Window& w = of.window;
    int64_t sum = 0;
    for (int step = 0; step < of.steps; ++step)
        for (int tap = 0; tap < w.taps(); ++tap)
            for (int channel = 0; channel < w.in_channels; ++channel) {
                const int row = pixel / w.out_width * w.stride - w.padding + tap / w.kernel_width;
                const int column = pixel % w.out_width * w.stride - w.padding + tap % w.kernel_width;
                if (row < 0 || row >= w.in_height || column < 0 || column >= w.in_width) continue;
                const int64_t place = (int64_t{sample} * w.in_height + row) * w.in_width + column;
                const int64_t weight_row = (int64_t{output / of.lanes} * w.taps() + tap) * w.in_channels + channel;
                sum += int64_t{weights[weight_row * of.lanes + output % of.lanes]} *
                       input[(place * of.steps + step) * rounded_up(w.in_channels, kGranule) + channel];
            }
    return sum;
}

class ProductSums : public testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        try {
            device = GetParam() ? cuda_device() : emulated_device(2, 1 << 30);
        } catch (const std::exception& error) {
            GTEST_SKIP() << error.what();
        }
    }
    std::unique_ptr<Device> device;
};

TEST_P(ProductSums, AreThoseOfInt64) {
    const std::vector<Case> cases = {
        {{5, 7, 3, 5, 7, 3, 3, 1, 1}, 5, 16, 16, 2, 4},       // a tail everywhere
        {{6, 5, 33, 3, 3, 3, 3, 2, 1}, 40, 32, 64, 3, 3},     // strides; two tiles of outputs, the second not full
        {{4, 4, 20, 1, 1, 4, 4, 1, 0}, 17, 32, 32, 11, 25},   // a fully connected layer
        {{1, 1, 200, 1, 1, 1, 1, 1, 0}, 16, 16, 16, 3, 128},  // the longest time that is taken at once
        {{9, 9, 16, 9, 9, 1, 1, 1, 0}, 32, 32, 32, 2, 1},     // whole tiles
        {{6, 6, 2, 8, 8, 3, 3, 1, 2}, 33, 32, 16, 2, 64},     // more padding than the kernel needs
    };
    for (const Case& of : cases) {
        const Depth depth{of.window.taps(), of.window.in_channels};
        Map map{nullptr, of.samples, of.window.in_height, of.window.in_width, of.steps, of.window.in_channels};
        std::vector<uint8_t> input(map.bytes());
        for (size_t i = 0; i < input.size(); ++i)
            input[i] = static_cast<uint8_t>(drawn(4, static_cast<int64_t>(i), 256));
        const int blocks = (of.outputs + of.lanes - 1) / of.lanes;
        std::vector<int32_t> weights(int64_t{blocks} * depth.taps * depth.channels * of.lanes);
        for (size_t i = 0; i < weights.size(); ++i) weights[i] = weight_at(static_cast<int64_t>(i));

        Buffer on_device(*device), sliced(*device), numbers(*device), results(*device);
        SliceWeights slicing{depth, of.lanes, of.outputs, of.tile_outputs, on_device.hold(weights), nullptr};
        slicing.slices = sliced.need_many<int8_t>(slicing.bytes());
        device->run(slicing);
        map.data = numbers.hold(input);
        ProductTask task;
        task.input = map;
        task.window = of.window;
        task.depth = depth;
        task.slices = slicing.slices;
        task.tiles = slicing.tiles();
        task.rows_first = of.samples % 2 == 1;
        task.neurons.padded = static_cast<int>(rounded_up(of.outputs, kGranule));
        const int pixels = of.window.out_height * of.window.out_width;
        std::vector<int64_t> totals(int64_t{of.samples} * pixels * task.neurons.padded, 5);
        task.totals = results.hold(totals);
        device->run(task, of.tile_outputs);
        device->download(totals.data(), task.totals, static_cast<int64_t>(8 * totals.size()));
        for (int sample = 0; sample < of.samples; ++sample)
            for (int pixel = 0; pixel < pixels; ++pixel)
                for (int output = 0; output < of.outputs; ++output)
                    ASSERT_EQ(totals[(int64_t{sample} * pixels + pixel) * task.neurons.padded + output],
                              5 + total_by_definition(of, input, weights, sample, pixel, output))
                        << "case " << &of - cases.data() << ", sample " << sample << ", pixel " << pixel << ", output "
                        << output;
    }
}

INSTANTIATE_TEST_SUITE_P(On, ProductSums, testing::Bool(),
                         [](const auto& real) { return real.param ? "gpu" : "emulated"; });

}  // namespace
}  // namespace spikelens::gpu

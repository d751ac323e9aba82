#include <gtest/gtest.h>

#include "spikelens/core/random.h"

#include "model_io/nir_weights.h"
#include "nir_reference.h"

namespace spikelens {
namespace {

using nir_reference::Signal;

class Draw {
  public:
    explicit Draw(uint64_t round) : round_(round) {}
    int between(int low, int high) {
        return low + static_cast<int>(random_bits(round_, Stream::test, {drawn_++}) % static_cast<uint64_t>(high - low + 1));
    }
    /// Eighths: sums of them are exact.
    std::vector<double> eighths(int64_t count) {
        std::vector<double> values(count);
        for (double& value : values) value = between(-8, 8) / 8.0;
        return values;
    }

  private:
    uint64_t round_, drawn_ = 0;
};

NirWeights random_weights(Draw& draw, LayerKind kind, int channels, int height, int width) {
    NirWeights weights;
    weights.kind = kind;
    weights.in_channels = channels;
    weights.in_height = height;
    weights.in_width = width;
    weights.outputs = draw.between(1, 3);
    if (kind == LayerKind::conv) {
        weights.kernel = draw.between(1, std::min({height, width, 3}));
        weights.stride = draw.between(1, 2);
        weights.padding = draw.between(0, weights.kernel - 1);
    }
    weights.weight = draw.eighths(weights.outputs * weights.fan_in());
    weights.has_bias = true;
    weights.bias = draw.eighths(weights.outputs);
    return weights;
}

Signal apply(const NirWeights& w, const Signal& in) {
    const auto weight = [&](int64_t i) { return w.weight[i]; };
    const auto bias = [&](int64_t i) { return w.bias[i]; };
    if (w.kind == LayerKind::full) return multiplied(in, weight, bias, w.outputs);
    return convolved(in, weight, bias, w.outputs, w.kernel, w.stride, w.padding);
}

Signal random_signal(Draw& draw, Shape shape) {
    const int64_t count = element_count(shape);
    return {std::move(shape), draw.eighths(count)};
}

TEST(NirWeights, APoolBeforeIsTheSameMap) {
    int folded = 0, refused = 0;
    for (uint64_t round = 0; round < 400; ++round) {
        Draw draw(round);
        const int channels = draw.between(1, 3), height = draw.between(4, 9), width = draw.between(4, 9);
        const LinearPool pool{draw.between(1, 3), draw.between(1, 3), round % 2 ? 1.0 : 0.25};
        const Signal in = random_signal(draw, {channels, height, width});
        const Signal small = nir_reference::pooled(in, pool.size, pool.stride, pool.factor);
        NirWeights weights = random_weights(draw, round % 3 ? LayerKind::conv : LayerKind::full, channels,
                                            static_cast<int>(small.shape[1]), static_cast<int>(small.shape[2]));
        const Signal expected = apply(weights, small);
        if (!fold_pool_before(weights, pool, height, width)) {
            EXPECT_GT(weights.padding, 0) << round;
            ++refused;
            continue;
        }
        ++folded;
        const Signal found = apply(weights, in);
        ASSERT_EQ(found.shape, expected.shape) << round;
        ASSERT_EQ(found.values, expected.values) << round;
        if (weights.kind == LayerKind::conv) {
            EXPECT_EQ((Shape{weights.outputs, weights.out_height(), weights.out_width()}), expected.shape);
            EXPECT_LT(weights.padding, weights.kernel);
        }
    }
    EXPECT_GT(folded, 250);
    EXPECT_GT(refused, 20);
}

TEST(NirWeights, APoolAfterIsOneConvolution) {
    for (uint64_t round = 0; round < 300; ++round) {
        Draw draw(1000 + round);
        const int channels = draw.between(1, 3), height = draw.between(6, 11), width = draw.between(6, 11);
        NirWeights weights = random_weights(draw, LayerKind::conv, channels, height, width);
        const LinearPool pool{draw.between(1, 2), draw.between(1, 3), round % 2 ? 1.0 : 0.25};
        const Signal in = random_signal(draw, {channels, height, width});
        const Signal expected = nir_reference::pooled(apply(weights, in), pool.size, pool.stride, pool.factor);
        const int kernel = weights.kernel, stride = weights.stride;
        fold_pool_after(weights, pool);
        EXPECT_EQ(weights.kernel, kernel + (pool.size - 1) * stride);
        EXPECT_EQ(weights.stride, stride * pool.stride);
        const Signal found = apply(weights, in);
        ASSERT_EQ(found.shape, expected.shape) << round;
        ASSERT_EQ(found.values, expected.values) << round;
    }
}

TEST(NirWeights, ScalesOfInputsAndOutputs) {
    for (uint64_t round = 0; round < 100; ++round) {
        Draw draw(2000 + round);
        const LayerKind kind = round % 2 ? LayerKind::conv : LayerKind::full;
        NirWeights weights = random_weights(draw, kind, draw.between(1, 3), 4, 5);
        Signal in = random_signal(draw, {weights.in_channels, 4, 5});
        const int64_t per_channel = 20;
        const std::vector<double> before =
            draw.eighths(kind == LayerKind::conv ? weights.in_channels : weights.in_channels * 20);
        const std::vector<double> after = draw.eighths(weights.outputs);
        Signal scaled = in;
        for (size_t i = 0; i < scaled.values.size(); ++i)
            scaled.values[i] *= before[kind == LayerKind::conv ? i / per_channel : i];
        Signal expected = apply(weights, scaled);
        const size_t each = expected.values.size() / after.size();
        for (size_t i = 0; i < expected.values.size(); ++i) expected.values[i] *= after[i / each];
        scale_inputs(weights, before);
        scale_outputs(weights, after);
        ASSERT_EQ(apply(weights, in).values, expected.values) << round;
    }
}

}  // namespace
}  // namespace spikelens

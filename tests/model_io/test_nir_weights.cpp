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
        return low +
               static_cast<int>(random_bits(round_, Stream::test, {drawn_++}) % static_cast<uint64_t>(high - low + 1));
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

NirLayer random_weights(Draw& draw, LayerKind kind, int channels, int height, int width) {
    NirLayer weights;
    Layer& layer = weights.layer;
    layer.kind = kind;
    layer.in_channels = channels, layer.in_height = height, layer.in_width = width;
    layer.out_channels = 2 * draw.between(1, 2);
    if (kind == LayerKind::conv) {
        const int rows = draw.between(1, std::min(height, 3)), columns = draw.between(1, std::min(width, 3));
        const int dilation = (rows - 1) * 2 < height && (columns - 1) * 2 < width ? draw.between(1, 2) : 1;
        layer.groups = channels % 2 == 0 ? draw.between(1, 2) : 1;
        set_sides(layer.kernel, layer.kernel_width, 0, rows, columns);
        set_sides(layer.dilation, layer.dilation_width, 0, dilation, dilation);
        set_sides(layer.stride, layer.stride_width, 0, draw.between(1, 2), draw.between(1, 2));
        set_sides(layer.padding, layer.padding_width, -1, draw.between(0, rows - 1), draw.between(0, columns - 1));
    }
    weights.weight = draw.eighths(layer.out_channels * layer.fan_in());
    weights.bias = draw.eighths(layer.out_channels);
    return weights;
}

Signal apply(const NirLayer& w, const Signal& in) {
    const Layer& layer = w.layer;
    if (layer.kind == LayerKind::full) return multiplied(in, w.weight, w.bias, layer.out_channels);
    return convolved(in, {{layer.kernel, layer.kernel_columns()},
                          {layer.stride, layer.stride_columns()},
                          {layer.padding, layer.padding_columns()},
                          {layer.dilation, layer.dilation_columns()},
                          layer.out_channels,
                          layer.groups,
                          w.weight,
                          w.bias});
}

Signal random_signal(Draw& draw, Shape shape) {
    const int64_t count = element_count(shape);
    return {std::move(shape), draw.eighths(count)};
}

TEST(NirWeights, APoolBeforeIsTheSameMap) {
    int folded = 0, refused = 0;
    for (uint64_t round = 0; round < 400; ++round) {
        Draw draw(round);
        const int channels = draw.between(1, 4), height = draw.between(4, 9), width = draw.between(4, 9);
        Pool pool{round % 2 ? PoolKind::sum : PoolKind::average};
        set_sides(pool.size, pool.width, 0, 1 << draw.between(0, 1), 1 << draw.between(0, 1));
        set_sides(pool.stride, pool.stride_width, 0, draw.between(1, 3), draw.between(1, 3));
        const Signal in = random_signal(draw, {channels, height, width});
        const Signal small = nir_reference::pooled(in, {pool.size, pool.columns()},
                                                   {pool.stride, pool.stride_columns()}, pooled_unit(pool));
        NirLayer weights = random_weights(draw, round % 3 ? LayerKind::conv : LayerKind::full, channels,
                                          static_cast<int>(small.shape[1]), static_cast<int>(small.shape[2]));
        const Signal expected = apply(weights, small);
        if (!fold_pool_before(weights, pool, height, width)) {
            EXPECT_GT(std::max(weights.layer.padding, weights.layer.padding_columns()), 0) << round;
            ++refused;
            continue;
        }
        ++folded;
        const Signal found = apply(weights, in);
        ASSERT_EQ(found.shape, expected.shape) << round;
        ASSERT_EQ(found.values, expected.values) << round;
        if (weights.layer.kind == LayerKind::conv) {
            ASSERT_TRUE(set_sizes(weights.layer));
            EXPECT_EQ(weights.layer.output_shape(), expected.shape);
        }
    }
    EXPECT_GT(folded, 250);
    EXPECT_GT(refused, 20);
}

TEST(NirWeights, ScalesOfInputsAndOutputs) {
    for (uint64_t round = 0; round < 100; ++round) {
        Draw draw(2000 + round);
        const LayerKind kind = round % 2 ? LayerKind::conv : LayerKind::full;
        NirLayer weights = random_weights(draw, kind, draw.between(1, 4), 4, 5);
        const int channels = weights.layer.in_channels;
        Signal in = random_signal(draw, {channels, 4, 5});
        const int64_t per_channel = 20;
        const std::vector<double> before = draw.eighths(kind == LayerKind::conv ? channels : channels * per_channel);
        const std::vector<double> after = draw.eighths(weights.layer.out_channels);
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

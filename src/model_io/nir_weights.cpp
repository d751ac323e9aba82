#include "nir_weights.h"

#include <cassert>

namespace spikelens {
namespace {

/// One side of a convolution behind a pool.
struct Side {
    int kernel, dilation, size, stride;  ///< of the convolution and of the pool
    int wide() const { return size + (kernel - 1) * dilation * stride; }
    int place(int tap, int within) const { return tap * dilation * stride + within; }
};

/// Each tap's weight is added to all taps under the pool's window there.
std::vector<double> spread_kernels(const NirLayer& weights, const Side& rows, const Side& columns, double factor) {
    const int64_t taps = int64_t{rows.kernel} * columns.kernel, wide = int64_t{rows.wide()} * columns.wide();
    const int64_t filters = static_cast<int64_t>(weights.weight.size()) / taps;
    std::vector<double> result(filters * wide, 0.0);
    for (int64_t f = 0; f < filters; ++f)
        for (int tap = 0; tap < taps; ++tap)
            for (int y = 0; y < rows.size; ++y)
                for (int x = 0; x < columns.size; ++x)
                    result[f * wide + int64_t{rows.place(tap / columns.kernel, y)} * columns.wide() +
                           columns.place(tap % columns.kernel, x)] += factor * weights.weight[f * taps + tap];
    return result;
}

void spread_columns(NirLayer& weights, const Pool& pool, int height, int width) {
    const Layer& layer = weights.layer;
    const int64_t inputs = int64_t{layer.in_channels} * height * width;
    std::vector<double> wide(layer.out_channels * inputs, 0.0);
    const double* old = weights.weight.data();
    for (int64_t row = 0; row < layer.out_channels; ++row)
        for (int64_t c = 0; c < layer.in_channels; ++c)
            for (int64_t y = 0; y < layer.in_height; ++y)
                for (int64_t x = 0; x < layer.in_width; ++x, ++old)
                    for (int64_t dy = 0; dy < pool.size; ++dy)
                        for (int64_t dx = 0; dx < pool.columns(); ++dx)
                            wide[row * inputs + (c * height + y * pool.stride + dy) * width +
                                 x * pool.stride_columns() + dx] += pooled_unit(pool) * *old;
    weights.weight = std::move(wide);
}

}  // namespace

void set_sides(int& rows, int& columns, int same, int of_rows, int of_columns) {
    rows = of_rows;
    columns = of_rows == of_columns ? same : of_columns;
}

void scale_outputs(NirLayer& weights, std::span<const double> scale) {
    assert(static_cast<int>(scale.size()) == weights.layer.out_channels);
    const int64_t fan_in = weights.layer.fan_in();
    for (int64_t i = 0; i < static_cast<int64_t>(weights.weight.size()); ++i) weights.weight[i] *= scale[i / fan_in];
    for (size_t o = 0; o < weights.bias.size(); ++o) weights.bias[o] *= scale[o];
}

void scale_inputs(NirLayer& weights, std::span<const double> scale) {
    const Layer& layer = weights.layer;
    const int64_t fan_in = layer.fan_in();
    if (layer.kind == LayerKind::full) {
        for (size_t i = 0; i < weights.weight.size(); ++i) weights.weight[i] *= scale[static_cast<int64_t>(i) % fan_in];
        return;
    }
    const int64_t inputs = layer.in_channels / layer.groups, taps = fan_in / inputs,
                  outputs = layer.out_channels / layer.groups;
    for (size_t i = 0; i < weights.weight.size(); ++i) {
        const auto at = static_cast<int64_t>(i);
        weights.weight[i] *= scale[at / fan_in / outputs * inputs + at / taps % inputs];
    }
}

bool fold_pool_before(NirLayer& weights, const Pool& pool, int height, int width) {
    Layer& layer = weights.layer;
    if (layer.kind == LayerKind::full) {
        spread_columns(weights, pool, height, width);
    } else {
        const bool clean = pool.size <= pool.stride && pool.columns() <= pool.stride_columns() &&
                           layer.in_height * pool.stride >= height && layer.in_width * pool.stride_columns() >= width;
        if ((layer.padding > 0 || layer.padding_columns() > 0) && !clean) return false;
        const Side rows{layer.kernel, layer.dilation, pool.size, pool.stride};
        const Side columns{layer.kernel_columns(), layer.dilation_columns(), pool.columns(), pool.stride_columns()};
        weights.weight = spread_kernels(weights, rows, columns, pooled_unit(pool));
        set_sides(layer.padding, layer.padding_width, -1, layer.padding * pool.stride,
                  layer.padding_columns() * pool.stride_columns());
        set_sides(layer.stride, layer.stride_width, 0, layer.stride * pool.stride,
                  layer.stride_columns() * pool.stride_columns());
        set_sides(layer.kernel, layer.kernel_width, 0, rows.wide(), columns.wide());
        set_sides(layer.dilation, layer.dilation_width, 0, 1, 1);
    }
    layer.in_height = height;
    layer.in_width = width;
    return true;
}

}  // namespace spikelens

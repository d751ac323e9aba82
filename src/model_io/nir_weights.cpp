#include "nir_weights.h"

#include <cassert>

namespace spikelens {
namespace {

/// A convolution's kernels on larger ones: the weight of tap (y, x) is added to count² taps, (y·apart + i·step, x·apart +
/// j·step).
std::vector<double> spread_kernels(const NirWeights& weights, int kernel, int apart, int count, int step, double factor) {
    const int64_t filters = int64_t{weights.outputs} * weights.in_channels, old = weights.kernel;
    std::vector<double> wide(filters * kernel * kernel, 0.0);
    for (int64_t f = 0; f < filters; ++f)
        for (int64_t y = 0; y < old; ++y)
            for (int64_t x = 0; x < old; ++x)
                for (int64_t i = 0; i < count; ++i)
                    for (int64_t j = 0; j < count; ++j)
                        wide[(f * kernel + y * apart + i * step) * kernel + x * apart + j * step] +=
                            factor * weights.weight[(f * old + y) * old + x];
    return wide;
}

void spread_columns(NirWeights& weights, const LinearPool& pool, int height, int width) {
    const int64_t inputs = int64_t{weights.in_channels} * height * width;
    std::vector<double> wide(weights.outputs * inputs, 0.0);
    const double* old = weights.weight.data();
    for (int64_t row = 0; row < weights.outputs; ++row)
        for (int64_t c = 0; c < weights.in_channels; ++c)
            for (int64_t y = 0; y < weights.in_height; ++y)
                for (int64_t x = 0; x < weights.in_width; ++x, ++old)
                    for (int64_t dy = 0; dy < pool.size; ++dy)
                        for (int64_t dx = 0; dx < pool.size; ++dx)
                            wide[row * inputs + (c * height + y * pool.stride + dy) * width + x * pool.stride + dx] +=
                                pool.factor * *old;
    weights.weight = std::move(wide);
}

}  // namespace

int64_t NirWeights::fan_in() const {
    return kind == LayerKind::conv ? int64_t{in_channels} * kernel * kernel : int64_t{in_channels} * in_height * in_width;
}

int NirWeights::out_height() const { return kind == LayerKind::conv ? (in_height + 2 * padding - kernel) / stride + 1 : 1; }

int NirWeights::out_width() const { return kind == LayerKind::conv ? (in_width + 2 * padding - kernel) / stride + 1 : 1; }

void scale_outputs(NirWeights& weights, std::span<const double> scale) {
    assert(static_cast<int>(scale.size()) == weights.outputs);
    const int64_t fan_in = weights.fan_in();
    for (int64_t i = 0; i < static_cast<int64_t>(weights.weight.size()); ++i) weights.weight[i] *= scale[i / fan_in];
    for (size_t o = 0; o < weights.bias.size(); ++o) weights.bias[o] *= scale[o];
}

void scale_inputs(NirWeights& weights, std::span<const double> scale) {
    const int64_t per_scale = weights.fan_in() / static_cast<int64_t>(scale.size());
    assert(per_scale * static_cast<int64_t>(scale.size()) == weights.fan_in());
    for (int64_t i = 0; i < static_cast<int64_t>(weights.weight.size()); ++i)
        weights.weight[i] *= scale[i / per_scale % static_cast<int64_t>(scale.size())];
}

bool fold_pool_before(NirWeights& weights, const LinearPool& pool, int height, int width) {
    if (weights.kind == LayerKind::full) {
        spread_columns(weights, pool, height, width);
    } else {
        const bool clean =
            pool.size <= pool.stride && weights.in_height * pool.stride >= height && weights.in_width * pool.stride >= width;
        if (weights.padding > 0 && !clean) return false;
        const int kernel = pool.size + (weights.kernel - 1) * pool.stride;
        weights.weight = spread_kernels(weights, kernel, pool.stride, pool.size, 1, pool.factor);
        weights.kernel = kernel;
        weights.stride *= pool.stride;
        weights.padding *= pool.stride;
    }
    weights.in_height = height;
    weights.in_width = width;
    return true;
}

void fold_pool_after(NirWeights& weights, const LinearPool& pool) {
    const int kernel = weights.kernel + (pool.size - 1) * weights.stride;
    weights.weight = spread_kernels(weights, kernel, 1, pool.size, weights.stride, pool.factor);
    for (double& bias : weights.bias) bias *= pool.factor * pool.size * pool.size;
    weights.kernel = kernel;
    weights.stride *= pool.stride;
}

}  // namespace spikelens

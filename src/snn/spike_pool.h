#pragma once

#include <algorithm>
#include <cstdint>

#include "lif.h"

namespace spikelens {

/// The windows of 2×2 with stride 2 are nearly every pool there is, and spikes tie in nearly every window: without
/// branches.
template <class Real>
void max_pool_pairs(const LifPlanes& layer, const Real* spikes, Real* __restrict out) {
    for (int64_t y = 0; y < layer.pooled_height; ++y) {
        const Real* __restrict upper = spikes + 2 * y * layer.width, * __restrict lower = upper + layer.width;
        for (int64_t x = 0; x < layer.pooled_width; ++x)
            out[y * layer.pooled_width + x] =
                std::max(std::max(upper[2 * x], upper[2 * x + 1]), std::max(lower[2 * x], lower[2 * x + 1]));
    }
}

/// The gradient of a window goes to its first maximum in row-major order, as in PyTorch. `gradient` starts as zero.
template <class Real>
void max_unpool_pairs(const LifPlanes& layer, const Real* spikes, const Real* pooled_gradient, Real* gradient) {
    for (int64_t y = 0; y < layer.pooled_height; ++y) {
        const Real *upper = spikes + 2 * y * layer.width, *lower = upper + layer.width;
        Real* __restrict to_upper = gradient + 2 * y * layer.width, * __restrict to_lower = to_upper + layer.width;
        const Real* __restrict from = pooled_gradient + y * layer.pooled_width;
        for (int64_t x = 0; x < layer.pooled_width; ++x) {
            const Real a = upper[2 * x], b = upper[2 * x + 1], c = lower[2 * x], d = lower[2 * x + 1];
            const Real top = std::max(a, b), bottom = std::max(c, d), g = from[x];
            const Real in_upper = top >= bottom ? g : Real(0), in_lower = g - in_upper;
            to_upper[2 * x] = a >= b ? in_upper : Real(0);
            to_upper[2 * x + 1] = a >= b ? Real(0) : in_upper;
            to_lower[2 * x] = c >= d ? in_lower : Real(0);
            to_lower[2 * x + 1] = c >= d ? Real(0) : in_lower;
        }
    }
}

template <class Real>
int64_t first_maximum(const LifPlanes& layer, const Real* spikes, int64_t top, int64_t left) {
    int64_t best = top * layer.width + left;
    for (int64_t y = top; y < top + layer.pool.size; ++y)
        for (int64_t x = left; x < left + layer.pool.size; ++x)
            if (spikes[y * layer.width + x] > spikes[best]) best = y * layer.width + x;
    return best;
}

/// The sum of a window's spikes, or their mean.
template <class Real>
Real window_total(const LifPlanes& layer, const Real* spikes, int64_t top, int64_t left) {
    Real sum(0);
    for (int64_t y = top; y < top + layer.pool.size; ++y)
        for (int64_t x = left; x < left + layer.pool.size; ++x) sum += spikes[y * layer.width + x];
    return layer.pool.kind == PoolKind::sum ? sum : sum / Real(layer.pool.size * layer.pool.size);
}

template <class Real>
void spread(const LifPlanes& layer, Real share, int64_t top, int64_t left, Real* gradient) {
    for (int64_t y = top; y < top + layer.pool.size; ++y)
        for (int64_t x = left; x < left + layer.pool.size; ++x) gradient[y * layer.width + x] += share;
}

/// Calls visit(pooled index, top, left) for every window.
template <class Visit>
void for_each_window(const LifPlanes& layer, const Visit& visit) {
    for (int64_t y = 0; y < layer.pooled_height; ++y)
        for (int64_t x = 0; x < layer.pooled_width; ++x)
            visit(y * layer.pooled_width + x, y * layer.pool.stride, x * layer.pool.stride);
}

inline bool pools_pairs(const Pool& pool) { return pool.kind == PoolKind::max && pool.size == 2 && pool.stride == 2; }

/// One step of one plane through the layer's pool.
template <class Real>
void pool_plane(const LifPlanes& layer, const Real* spikes, Real* out) {
    if (layer.pool.kind == PoolKind::none)
        std::copy_n(spikes, layer.size(), out);
    else if (pools_pairs(layer.pool))
        max_pool_pairs(layer, spikes, out);
    else if (layer.pool.kind == PoolKind::max)
        for_each_window(layer, [&](int64_t i, int64_t top, int64_t left) {
            out[i] = spikes[first_maximum(layer, spikes, top, left)];
        });
    else
        for_each_window(layer,
                        [&](int64_t i, int64_t top, int64_t left) { out[i] = window_total(layer, spikes, top, left); });
}

/// The adjoint: the gradient of the plane's spikes from that of the pooled ones.
template <class Real>
void unpool_plane(const LifPlanes& layer, const Real* spikes, const Real* pooled_gradient, Real* gradient) {
    std::fill_n(gradient, layer.size(), Real(0));
    const Real weight(pooled_unit(layer.pool));
    if (pools_pairs(layer.pool))
        max_unpool_pairs(layer, spikes, pooled_gradient, gradient);
    else if (layer.pool.kind == PoolKind::max)
        for_each_window(layer, [&](int64_t i, int64_t top, int64_t left) {
            gradient[first_maximum(layer, spikes, top, left)] += pooled_gradient[i];
        });
    else
        for_each_window(layer, [&](int64_t i, int64_t top, int64_t left) {
            spread(layer, weight * pooled_gradient[i], top, left, gradient);
        });
}

}  // namespace spikelens

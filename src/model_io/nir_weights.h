#pragma once

#include <span>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

/// Pooling that adds a window's elements and multiplies the sum by `factor`: 1, or 1/size² for an average.
struct LinearPool {
    int size = 1;
    int stride = 1;
    double factor = 1;
};

/// The linear map of one layer while it is put together from several nodes, in double precision.
struct NirWeights {
    LayerKind kind = LayerKind::full;
    int in_channels = 0, in_height = 0, in_width = 0;
    int outputs = 0;
    int kernel = 1, stride = 1, padding = 0;  ///< of a convolution
    bool has_bias = false;
    std::vector<double> weight;  ///< [out, in, k, k] or [out, in·h·w]
    std::vector<double> bias;    ///< [out]

    int64_t fan_in() const;
    int out_height() const;  ///< 1 of a fully connected layer
    int out_width() const;
};

/// y = scale[o] · (W x + b).
void scale_outputs(NirWeights& weights, std::span<const double> scale);

/// W (scale · x); a scale per input of a fully connected layer, per channel of a convolution.
void scale_inputs(NirWeights& weights, std::span<const double> scale);

/// W · pool(x) as one map of x: a convolution of kernel p + (k − 1)·s and stride s·stride for a pool of size p and stride s.
/// The weights' input is what the pool gives; `height` and `width` are what it reads. False, and nothing changed, where no
/// single layer says it: padding that would touch rows the pool drops or reads twice.
bool fold_pool_before(NirWeights& weights, const LinearPool& pool, int height, int width);

/// pool(W x + b) as one convolution of kernel k + (p − 1)·stride. The weights are a convolution.
void fold_pool_after(NirWeights& weights, const LinearPool& pool);

}  // namespace spikelens

#pragma once

#include <span>
#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

namespace spikelens {

/// A layer while it is put together from several nodes: its tensors in double precision.
struct NirLayer {
    Layer layer;  ///< without tensors
    std::vector<double> weight, bias, recurrent;
    bool currents = true;                 ///< it sends currents, not spikes
    std::string node;                     ///< that its weights are of
    std::vector<ImportedTensor> tensors;  ///< `to` lacks the layer's name
    std::vector<std::string> notes;       ///< how weight and bias were changed
};

/// A number of rows and one of columns, as a layer has them: the latter is `same` where they do not differ.
void set_sides(int& rows, int& columns, int same, int of_rows, int of_columns);

/// y = scale[o] · (W x + b).
void scale_outputs(NirLayer& weights, std::span<const double> scale);

/// W (scale · x); a scale per input of a fully connected layer, per channel of a convolution.
void scale_inputs(NirLayer& weights, std::span<const double> scale);

/// W · pool(x) as one map of x: a convolution of kernel p + (k − 1)·d·s and stride s·stride for a pool of size p and
/// stride s, of a kernel k with dilation d. The weights' input is what the pool gives; `height` and `width` are what it
/// reads. False, and nothing changed, where no single layer says it: padding that would touch rows the pool drops or
/// reads twice.
bool fold_pool_before(NirLayer& weights, const Pool& pool, int height, int width);

}  // namespace spikelens

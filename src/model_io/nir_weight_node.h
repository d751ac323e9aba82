#pragma once

#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_dialect.h"
#include "nir_node.h"
#include "nir_weights.h"

namespace spikelens {

constexpr int largest_nir_kernel = 255;  ///< and stride: what a model file can say

/// The weights of one node, and where its tensors went; `to` lacks the layer's name. The weights' in_channels, in_height and
/// in_width are those of `signal`, the shape of what the node reads: [C, H, W] or [N].
struct NirWeightNode {
    NirWeights weights;
    std::vector<ImportedTensor> tensors;
};

/// A Conv2d node. Throws InputError that names the node for what a layer cannot be (groups, dilation, kernels that are not
/// square, …) and for weights that do not fit to the signal.
NirWeightNode read_conv(const NirNodeReader& reader, const NirRules& rules, const Shape& signal);

/// An Affine or Linear node; maps with more than one place must have been flattened.
NirWeightNode read_full(const NirNodeReader& reader, const NirRules& rules, const Shape& signal);

}  // namespace spikelens

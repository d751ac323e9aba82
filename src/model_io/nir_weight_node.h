#pragma once

#include "nir_dialect.h"
#include "nir_node.h"
#include "nir_weights.h"

namespace spikelens {

constexpr int kLargestNirKernel = 255;  ///< and stride: what a model file can say

/// What a node reads: its axes as NIR counts them, [C, H, W], [C, L] or [N], and the layer's places they stand for.
struct NirShape {
    Shape axes;
    int channels = 0, height = 1, width = 1;

    int64_t elements() const { return int64_t{channels} * height * width; }
};

/// The layer of a Conv1d or Conv2d node, its sizes but for those of the output. Throws InputError that names the node
/// for what a layer cannot be and for weights that do not fit to the signal.
NirLayer read_conv(const NirNodeReader& reader, const NirRules& rules, const NirShape& signal);

/// Of an Affine or Linear node; maps with more than one place must have been flattened.
NirLayer read_full(const NirNodeReader& reader, const NirRules& rules, const NirShape& signal);

/// Lets the spikes of a layer come back through a Linear, Affine, Conv2d or Scale node: as its recurrence, of all
/// neurons, one to one, or by a convolution. An Affine's or a convolution's bias acts at every step, as the layer's own
/// does, and is added to it. Throws InputError that names the node for what no layer's recurrence can be.
void add_recurrence(NirLayer& layer, const NirNodeReader& reader, const NirRules& rules, const Shape& axes);

}  // namespace spikelens

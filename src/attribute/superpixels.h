#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spikelens/core/array.h"

namespace spikelens {

/// A partition of the pixels: of each the number of its segment, 0 … count − 1; every number occurs.
struct Superpixels {
    std::vector<int> segment;
    int count = 0;
};

/// Rows and columns of nearly square cells, at most `segments` of them.
Superpixels grid_superpixels(int64_t height, int64_t width, int64_t segments);

/// SLIC (Achanta et al., PAMI 2012) of an image [C, H, W] with values about 0 to 1: ten rounds of k-means on value and
/// position, from the cells of the grid, each centre reaching as far as its cell is wide; d² = mean over channels of
/// the squared difference + 0.01·(distance / width of a cell)²; the first centre of equals. Then every segment keeps
/// its largest connected part and the rest goes to what surrounds it, so that segments are connected. The grid itself
/// where cells would have fewer than four pixels.
Superpixels slic_superpixels(std::span<const float> image, const Shape& shape, int64_t segments);

}  // namespace spikelens

#pragma once

#include <cstdint>

namespace spikelens::kernels {

/// Rows and columns of a tile of products.
constexpr int kProductTile = 96;

/// Sums of products of two groups of columns of one matrix: sums[i][j] = Σ_n x[n][row + i] · x[n][column + j], float64.
///
/// Every sum is taken in the order of n. The product of two float32 is exact in float64, so that it does not matter
/// whether it is fused with the addition: all kernels give the same bits. Columns past the last count as zeros.
struct ProductTask {
    const float* x = nullptr;  ///< [samples][columns]
    int64_t samples = 0, columns = 0;
    int64_t row = 0, column = 0;  ///< where the tile begins
    double* sums = nullptr;       ///< [kProductTile][kProductTile]
};

}  // namespace spikelens::kernels

#pragma once

#include <cstdint>

#include "spikelens/snn/network.h"

namespace spikelens {

/// Calls visit(place) for every value [C·H·W] under a window [C·H'·W'] of a layer's pool, in row-major order.
template <class Visit>
void for_each_in_window(const Layer& layer, int64_t window, Visit visit) {
    const Pool& pool = layer.pool;
    const int64_t first_column = window % layer.pooled_width * pool.stride_columns();
    const int64_t first_row = window / layer.pooled_width % layer.pooled_height * pool.stride;
    const int64_t channel = window / layer.pooled_width / layer.pooled_height;
    for (int64_t row = first_row; row < first_row + pool.size; ++row)
        for (int64_t column = first_column; column < first_column + pool.columns(); ++column)
            visit((channel * layer.out_height + row) * layer.out_width + column);
}

/// The first maximum under a window.
template <class Real>
int64_t first_maximum(const Layer& layer, int64_t window, const Real* values) {
    int64_t best = -1;
    for_each_in_window(layer, window, [&](int64_t place) {
        if (best < 0 || values[place] > values[best]) best = place;
    });
    return best;
}

}  // namespace spikelens

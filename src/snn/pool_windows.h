#pragma once

#include <algorithm>
#include <cstdint>

#include "spikelens/snn/network.h"

namespace spikelens {

/// Rows, or columns, from `first` to before `end`.
struct PoolSide {
    int first, end;
};

/// What of a map lies under a pool's window.
inline PoolSide rows_under(const Pool& pool, int window, int rows) {
    const int first = window * pool.stride - pool.padding;
    return {std::max(0, first), std::min(rows, first + pool.size)};
}
inline PoolSide columns_under(const Pool& pool, int window, int columns) {
    const int first = window * pool.stride_columns() - pool.padding_columns();
    return {std::max(0, first), std::min(columns, first + pool.columns())};
}

/// Calls visit(place) for every value [C·H·W] under a window [C·H'·W'] of a layer's pool, in row-major order.
template <class Visit>
void for_each_in_window(const Layer& layer, int64_t window, Visit visit) {
    const int64_t channel = window / layer.pooled_width / layer.pooled_height;
    const auto down = static_cast<int>(window / layer.pooled_width % layer.pooled_height);
    const PoolSide rows = rows_under(layer.pool, down, layer.out_height);
    const PoolSide columns = columns_under(layer.pool, static_cast<int>(window % layer.pooled_width), layer.out_width);
    for (int64_t row = rows.first; row < rows.end; ++row)
        for (int64_t column = columns.first; column < columns.end; ++column)
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

#include "gram.h"

#include <algorithm>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"

namespace spikelens {
namespace {

// A tile of G of this size stays in the first-level cache while all samples of the batch pass over it.
constexpr int64_t tile_rows = 8;
constexpr int64_t tile_columns = 256;

// gram[j] += x·others[j]
void add_row(double x, const double* others, int64_t count, double* gram) {
    for (int64_t j = 0; j < count; ++j) gram[j] += x * others[j];
}

// Rows first..last of the upper triangle.
void add_tile_rows(DoubleArray& gram, const DoubleArray& x, int64_t first, int64_t last) {
    const int64_t m = gram.extent(0);
    for (int64_t column = first; column < m; column += tile_columns) {
        const int64_t columns = std::min(tile_columns, m - column);
        for (int64_t n = 0; n < x.extent(0); ++n) {
            const double* sample = x.data.data() + n * m;
            for (int64_t i = first; i < last; ++i)
                if (sample[i] != 0) add_row(sample[i], sample + column, columns, gram.data.data() + i * m + column);
        }
    }
}

// Tiles on the diagonal are computed whole, so only what lies beyond them is copied.
void mirror_rows(DoubleArray& gram, int64_t first, int64_t last) {
    const int64_t m = gram.extent(0);
    for (int64_t i = first; i < last; ++i)
        for (int64_t j = 0; j < first; ++j) gram.data[i * m + j] = gram.data[j * m + i];
}

}  // namespace

void add_gram(DoubleArray& gram, const FloatArray& responses, const Execution& execution) {
    const int64_t m = responses.shape.size() == 2 ? responses.extent(1) : -1;
    if (gram.shape != Shape{m, m})
        throw InputError("responses of shape " + shape_text(responses.shape) + " do not fit a Gram matrix of shape " +
                         shape_text(gram.shape));
    DoubleArray x(responses.shape);
    std::copy(responses.data.begin(), responses.data.end(), x.data.begin());
    const int64_t tiles = (m + tile_rows - 1) / tile_rows;
    const auto rows_end = [&](int64_t tile) { return std::min(m, (tile + 1) * tile_rows); };
    parallel_for(tiles, execution, [&](int64_t tile, int) { add_tile_rows(gram, x, tile * tile_rows, rows_end(tile)); });
    parallel_for(tiles, execution, [&](int64_t tile, int) { mirror_rows(gram, tile * tile_rows, rows_end(tile)); });
}

}  // namespace spikelens

#include "cholesky.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "spikelens/core/parallel.h"

namespace spikelens {
namespace {

constexpr int64_t kBlock = 64;         ///< columns factored together
constexpr int64_t kRowsTogether = 16;  ///< rows of one thread

double dot(const double* a, const double* b, int64_t count) {
    std::array<double, 8> lanes{};
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (int64_t lane = 0; lane < 8; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
    }
    for (; i < count; ++i) lanes[i % 8] += a[i] * b[i];
    return ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
}

}  // namespace

/// L[i][j] = (A[i][j] − Σ_{k<j} L[i][k]·L[j][k]) / L[j][j], for these columns: rows of one block after those above
/// them, and all rows below it, which need nothing of each other, side by side.
Cholesky::Cholesky(DoubleArray matrix, const Execution& execution)
    : size_(matrix.extent(0)), lower_(std::move(matrix)) {
    assert(lower_.shape == (Shape{size_, size_}));
    for (int64_t first = 0; first < size_; first += kBlock) {
        const int64_t end = std::min(first + kBlock, size_);
        for (int64_t row = first; row < end; ++row) factor_row(row, first, end);
        const int64_t parts = (size_ - end + kRowsTogether - 1) / kRowsTogether;
        parallel_for(parts, execution, [&](int64_t part, int) {
            const int64_t last = std::min(end + (part + 1) * kRowsTogether, size_);
            for (int64_t row = end + part * kRowsTogether; row < last; ++row) factor_row(row, first, end);
        });
    }
}

void Cholesky::factor_row(int64_t row, int64_t first, int64_t end) {
    double* values = lower_.row(row).data();
    for (int64_t j = first; j < std::min(end, row); ++j) {
        const double* other = lower_.row(j).data();
        values[j] = (values[j] - dot(values, other, j)) / other[j];
    }
    if (row >= end) return;
    const double pivot = values[row] - dot(values, values, row);
    assert(pivot > 0);
    values[row] = std::sqrt(pivot);
}

void Cholesky::solve(std::span<double> values) const {
    assert(static_cast<int64_t>(values.size()) == size_);
    for (int64_t i = 0; i < size_; ++i)
        values[i] = (values[i] - dot(lower_.row(i).data(), values.data(), i)) / lower_.row(i)[i];
    for (int64_t i = size_ - 1; i >= 0; --i) {
        values[i] /= lower_.row(i)[i];
        for (int64_t j = 0; j < i; ++j) values[j] -= lower_.row(i)[j] * values[i];
    }
}

}  // namespace spikelens

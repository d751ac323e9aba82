#include "active_factor.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace spikelens {

double ordered_dot(const double* a, const double* b, size_t count) {
    double sums[4] = {0, 0, 0, 0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        for (size_t lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    double rest = 0;
    for (; i < count; ++i) rest += a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest;
}

void add_scaled(double factor, const double* x, double* y, size_t count) {
    for (size_t i = 0; i < count; ++i) y[i] += factor * x[i];
}

void ActiveFactor::reserve(int size) {
    if (size <= capacity_) return;
    const int capacity = std::max(size, 2 * capacity_ + 8);
    std::vector<double> values(static_cast<size_t>(capacity) * capacity, 0.0);
    for (int i = 0; i < size_; ++i)
        std::copy_n(row(i), size_, values.begin() + static_cast<std::ptrdiff_t>(i) * capacity);
    values_ = std::move(values);
    capacity_ = capacity;
}

bool ActiveFactor::append(std::span<const double> column, double diagonal, double independence) {
    assert(static_cast<int>(column.size()) == size_);
    std::vector<double> top(column.begin(), column.end());
    solve_transposed(top);
    const double left = diagonal - ordered_dot(top.data(), top.data(), top.size());
    if (!(left > independence * diagonal) || !(left > 0)) return false;
    reserve(size_ + 1);
    for (int i = 0; i < size_; ++i) row(i)[size_] = top[i];
    row(size_)[size_] = std::sqrt(left);
    ++size_;
    return true;
}

void ActiveFactor::remove(int position) {
    assert(position >= 0 && position < size_);
    for (int i = 0; i < size_; ++i) {
        double* const values = row(i);
        std::copy(values + std::max(position, i - 1) + 1, values + size_, values + std::max(position, i - 1));
    }
    --size_;
    for (int i = position; i < size_; ++i) rotate(i);
}

/// Zeroes the element below the diagonal of column `upper` by a Givens rotation of two neighbouring rows.
void ActiveFactor::rotate(int upper) {
    double* const a = row(upper);
    double* const b = row(upper + 1);
    const double length = std::sqrt(a[upper] * a[upper] + b[upper] * b[upper]);
    const double cosine = a[upper] / length;
    const double sine = b[upper] / length;
    for (int j = upper; j < size_; ++j) {
        const double first = a[j];
        const double second = b[j];
        a[j] = cosine * first + sine * second;
        b[j] = cosine * second - sine * first;
    }
    a[upper] = length;
    b[upper] = 0;
}

void ActiveFactor::solve_transposed(std::span<double> values) const {
    for (int i = 0; i < size_; ++i) {
        const double* const factors = row(i);
        values[i] /= factors[i];
        add_scaled(-values[i], factors + i + 1, values.data() + i + 1, size_ - i - 1);
    }
}

void ActiveFactor::solve(std::span<double> values) const {
    assert(static_cast<int>(values.size()) == size_);
    solve_transposed(values);
    for (int i = size_ - 1; i >= 0; --i) {
        const double* const factors = row(i);
        const double known = ordered_dot(factors + i + 1, values.data() + i + 1, size_ - i - 1);
        values[i] = (values[i] - known) / factors[i];
    }
}

}  // namespace spikelens

#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace spikelens::test {

/// Gaussian elimination with pivoting of A·x = b, row by row: slow, obvious, for small systems.
inline std::vector<double> solve_dense(std::vector<std::vector<double>> a, std::vector<double> b) {
    const size_t n = b.size();
    for (size_t column = 0; column < n; ++column) {
        size_t pivot = column;
        for (size_t row = column; row < n; ++row)
            if (std::abs(a[row][column]) > std::abs(a[pivot][column])) pivot = row;
        std::swap(a[pivot], a[column]);
        std::swap(b[pivot], b[column]);
        for (size_t row = column + 1; row < n; ++row) {
            const double factor = a[row][column] / a[column][column];
            for (size_t k = column; k < n; ++k) a[row][k] -= factor * a[column][k];
            b[row] -= factor * b[column];
        }
    }
    for (size_t row = n; row-- > 0;) {
        for (size_t k = row + 1; k < n; ++k) b[row] -= a[row][k] * b[k];
        b[row] /= a[row][row];
    }
    return b;
}

/// Weighted ridge with the intercept as one more column that is not penalised: [a, b].
inline std::vector<double> ridge_with_intercept(const std::vector<std::vector<double>>& x, const std::vector<double>& y,
                                                const std::vector<double>& weight, double penalty) {
    const size_t features = x.front().size() + 1;
    std::vector<std::vector<double>> normal(features, std::vector<double>(features));
    std::vector<double> right(features);
    for (size_t k = 0; k < x.size(); ++k) {
        const auto value = [&](size_t i) { return i == 0 ? 1.0 : x[k][i - 1]; };
        for (size_t i = 0; i < features; ++i) {
            right[i] += weight[k] * value(i) * y[k];
            for (size_t j = 0; j < features; ++j) normal[i][j] += weight[k] * value(i) * value(j);
        }
    }
    for (size_t i = 1; i < features; ++i) normal[i][i] += penalty;
    return solve_dense(normal, right);
}

}  // namespace spikelens::test

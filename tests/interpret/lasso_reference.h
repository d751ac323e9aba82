#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "lasso_cases.h"

// Slow, independent solvers of the lasso at one budget.
namespace spikelens::lasso_test {

/// Gaussian elimination with full row pivoting; nothing for a singular system.
inline std::optional<std::vector<long double>> solve_dense(std::vector<std::vector<long double>> rows) {
    const size_t n = rows.size();
    for (size_t k = 0; k < n; ++k) {
        size_t pivot = k;
        for (size_t i = k; i < n; ++i) pivot = std::abs(rows[i][k]) > std::abs(rows[pivot][k]) ? i : pivot;
        if (std::abs(rows[pivot][k]) < 1e-13L) return std::nullopt;
        std::swap(rows[k], rows[pivot]);
        for (size_t i = 0; i < n; ++i) {
            if (i == k) continue;
            const long double factor = rows[i][k] / rows[k][k];
            for (size_t j = k; j <= n; ++j) rows[i][j] -= factor * rows[k][j];
        }
    }
    std::vector<long double> solution(n);
    for (size_t i = 0; i < n; ++i) solution[i] = rows[i][n] / rows[i][i];
    return solution;
}

/// The stationary point over one support and sign pattern (−1, 0, 1 per row), on the sphere ‖w‖₁ = μ or without it.
inline std::optional<std::vector<double>> stationary_point(const Case& problem, const std::vector<int>& signs,
                                                           std::optional<double> mu) {
    std::vector<int> support;
    for (int i = 0; i < problem.size(); ++i) {
        if (signs[i] != 0) support.push_back(i);
    }
    const size_t s = support.size();
    const size_t unknowns = s + (mu ? 1 : 0);
    std::vector<std::vector<long double>> rows(unknowns, std::vector<long double>(unknowns + 1, 0));
    for (size_t a = 0; a < s; ++a) {
        for (size_t b = 0; b < s; ++b) rows[a][b] = problem.gram.data[support[a] * problem.size() + support[b]];
        if (mu) rows[a][s] = rows[s][a] = signs[support[a]];
        rows[a][unknowns] = problem.correlation[support[a]];
    }
    if (mu) rows[s][unknowns] = *mu;
    const auto solution = solve_dense(rows);
    if (!solution) return std::nullopt;
    std::vector<double> w(problem.size(), 0.0);
    for (size_t a = 0; a < s; ++a) w[support[a]] = static_cast<double>((*solution)[a]);
    return w;
}

inline bool feasible(const std::vector<double>& w, const std::vector<int>& signs, double mu) {
    double l1 = 0;
    for (size_t i = 0; i < w.size(); ++i) {
        if (w[i] * signs[i] < 0) return false;
        l1 += std::abs(w[i]);
    }
    return l1 <= mu * (1 + 1e-12);
}

/// The least objective among all feasible stationary points of all supports: exact, since a minimum with an independent
/// support always exists.
inline double enumerated_minimum(const Case& problem, double mu, bool non_negative) {
    const int kinds = non_negative ? 2 : 3;
    int64_t patterns = 1;
    for (int i = 0; i < problem.size(); ++i) patterns *= kinds;
    double least = problem.energy;
    for (int64_t pattern = 1; pattern < patterns; ++pattern) {
        std::vector<int> signs;
        for (int64_t rest = pattern; static_cast<int>(signs.size()) < problem.size(); rest /= kinds) {
            signs.push_back(rest % kinds == 2 ? -1 : static_cast<int>(rest % kinds));
        }
        for (const std::optional<double> sphere : {std::optional<double>{}, std::optional<double>{mu}}) {
            const auto w = stationary_point(problem, signs, sphere);
            if (w && feasible(*w, signs, mu)) least = std::min(least, objective(problem, *w));
        }
    }
    return least;
}

/// Nearest point of the ball (or of its non-negative part), by bisection on the threshold.
inline std::vector<double> project(std::vector<double> w, double mu, bool non_negative) {
    const auto shrunk = [&](double threshold) {
        std::vector<double> result;
        for (double value : w) {
            const double size = std::max(0.0, (non_negative ? value : std::abs(value)) - threshold);
            result.push_back(value < 0 ? -size : size);
        }
        return result;
    };
    const auto l1 = [](const std::vector<double>& v) {
        return std::accumulate(v.begin(), v.end(), 0.0, [](double sum, double x) { return sum + std::abs(x); });
    };
    if (l1(shrunk(0)) <= mu) return shrunk(0);
    double low = 0;
    double high = l1(w);
    for (int round = 0; round < 60; ++round) {
        const double middle = (low + high) / 2;
        (l1(shrunk(middle)) > mu ? low : high) = middle;
    }
    return shrunk(high);
}

/// Accelerated projected gradient (Beck, Teboulle 2009) with restarts, run until it no longer moves.
inline std::vector<double> projected_gradient(const Case& problem, double mu, bool non_negative) {
    const int m = problem.size();
    double step = 0;
    for (int i = 0; i < m; ++i) step += problem.gram.data[i * m + i];
    std::vector<double> w(m, 0.0);
    std::vector<double> ahead = w;
    double momentum = 1;
    for (int round = 0; round < 6000; ++round) {
        const std::vector<double> before = w;
        w = ahead;
        for (int i = 0; i < m; ++i) {
            double c = problem.correlation[i];
            for (int j = 0; j < m; ++j) c -= problem.gram.data[i * m + j] * ahead[j];
            w[i] += c / step;
        }
        w = project(w, mu, non_negative);
        double along = 0;
        for (int i = 0; i < m; ++i) along += (ahead[i] - w[i]) * (w[i] - before[i]);
        if (along > 0) momentum = 1;
        const double next = (1 + std::sqrt(1 + 4 * momentum * momentum)) / 2;
        for (int i = 0; i < m; ++i) ahead[i] = w[i] + (momentum - 1) / next * (w[i] - before[i]);
        momentum = next;
    }
    return w;
}

}  // namespace spikelens::lasso_test

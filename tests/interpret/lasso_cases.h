#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/random.h"
#include "spikelens/interpret/mu_lasso.h"

namespace spikelens::lasso_test {

/// Rows of X and the label they are to explain, with the sums that the lasso sees.
struct Case {
    std::string name;
    std::vector<std::vector<double>> x;  ///< [m][N]
    std::vector<double> label;           ///< [N]
    DoubleArray gram;
    std::vector<double> correlation;
    double energy = 0;

    int size() const { return static_cast<int>(x.size()); }
};

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (size_t n = 0; n < a.size(); ++n) sum += a[n] * b[n];
    return sum;
}

inline Case make_case(std::string name, std::vector<std::vector<double>> x, std::vector<double> label) {
    Case result{std::move(name), std::move(x), std::move(label), {}, {}, 0};
    const int m = result.size();
    result.gram = DoubleArray({m, m});
    for (int i = 0; i < m; ++i) {
        for (int j = 0; j < m; ++j) result.gram.data[i * m + j] = dot(result.x[i], result.x[j]);
        result.correlation.push_back(dot(result.x[i], result.label));
    }
    result.energy = dot(result.label, result.label);
    return result;
}

inline uint64_t bits(uint64_t seed, uint64_t i, uint64_t n) { return random_bits(seed, Stream::test, {i, n}); }
inline double normal(uint64_t seed, uint64_t i, uint64_t n) { return random_normal(seed, Stream::test, {i, n}); }
inline double uniform(uint64_t seed, uint64_t i, uint64_t n) { return random_uniform(seed, Stream::test, {i, n}); }

inline std::vector<std::vector<double>> normal_rows(uint64_t seed, int m, int samples) {
    std::vector<std::vector<double>> x(m, std::vector<double>(samples));
    for (int i = 0; i < m; ++i) {
        for (int n = 0; n < samples; ++n) x[i][n] = normal(seed, i, n);
    }
    return x;
}

/// Depends on a few rows, so that weights of both signs and sizes come out.
inline std::vector<double> label_of(uint64_t seed, const std::vector<std::vector<double>>& x) {
    std::vector<double> label(x[0].size());
    for (size_t n = 0; n < label.size(); ++n) {
        label[n] = normal(seed + 1, 0, n);
        for (size_t i = 0; i < x.size(); i += 2) label[n] += 2 * normal(seed + 1, 1, i) * x[i][n];
    }
    return label;
}

inline Case full_rank(uint64_t seed, int m) {
    auto x = normal_rows(seed, m, 3 * m + 2);
    auto label = label_of(seed, x);
    return make_case("full rank", std::move(x), std::move(label));
}

inline Case fewer_samples(uint64_t seed, int m) {
    auto x = normal_rows(seed, m, m / 2 + 1);
    auto label = label_of(seed, x);
    return make_case("fewer samples than rows", std::move(x), std::move(label));
}

inline Case duplicates_and_dead(uint64_t seed, int m) {
    auto x = normal_rows(seed, m, 3 * m + 2);
    for (int i = 1; i < m; ++i) {
        if (i % 3 == 1) x[i] = x[i - 1];
        if (i % 5 == 4) std::fill(x[i].begin(), x[i].end(), 0.0);
    }
    auto label = label_of(seed, x);
    return make_case("duplicated and dead rows", std::move(x), std::move(label));
}

inline Case scaled(uint64_t seed, int m) {
    auto x = normal_rows(seed, m, 2 * m + 2);
    for (int i = 0; i < m; ++i) {
        const double scale = std::pow(10.0, -4 * uniform(seed + 2, 0, i));
        for (double& value : x[i]) value *= scale;
    }
    auto label = label_of(seed, x);
    return make_case("rows scaled by 1e-4 to 1", std::move(x), std::move(label));
}

inline Case nearly_dependent(uint64_t seed, int m) {
    auto x = normal_rows(seed, m, 3 * m + 2);
    for (int i = 2; i < m; i += 2) {
        for (size_t n = 0; n < x[i].size(); ++n) x[i][n] = x[i - 2][n] + x[i - 1][n] + 1e-4 * x[i][n];
    }
    auto label = label_of(seed, x);
    return make_case("nearly dependent rows", std::move(x), std::move(label));
}

/// Small integers: many events at the same μ, and G exact.
inline Case tied(uint64_t seed, int m) {
    std::vector<std::vector<double>> x(m, std::vector<double>(m + 2));
    for (int i = 0; i < m; ++i) {
        for (int n = 0; n < m + 2; ++n) x[i][n] = static_cast<double>(bits(seed, i, n) % 3) - 1;
    }
    std::vector<double> label(m + 2);
    for (int n = 0; n < m + 2; ++n) label[n] = static_cast<double>(bits(seed + 1, 0, n) % 3) - 1;
    return make_case("ties", std::move(x), std::move(label));
}

/// Two layers whose responses are shares, so each sums to 1 in every sample; some filters never answer, some in 0.02 %
/// of the samples; the label marks one class in ten.
inline Case two_layers(uint64_t seed, int m, int samples = 1000) {
    std::vector<std::vector<double>> x(m, std::vector<double>(samples, 0.0));
    std::vector<double> label(samples, 0.0);
    for (int n = 0; n < samples; ++n) {
        const uint64_t kind = bits(seed, m, n) % 10;
        label[n] = kind == 0;
        double sums[2] = {0, 0};
        for (int i = 0; i < m; ++i) {
            const double chance = i % 7 == 3 ? 0.0 : i % 5 == 4 ? 2e-4 : 0.6;
            const bool answers = uniform(seed + 1, i, n) < chance || i == 0 || i == m / 3;
            const double liking = 0.2 + uniform(seed + 2, i, kind);
            x[i][n] = answers ? std::pow(liking * uniform(seed + 3, i, n), 2) : 0;
            sums[i >= m / 3] += x[i][n];
        }
        for (int i = 0; i < m; ++i) x[i][n] = static_cast<float>(x[i][n] / sums[i >= m / 3]);
    }
    return make_case("two layers of shares", std::move(x), std::move(label));
}

inline std::vector<Case> all_kinds(uint64_t seed, int m) {
    return {full_rank(seed, m), fewer_samples(seed, m),    duplicates_and_dead(seed, m), scaled(seed, m),
            tied(seed, m),      nearly_dependent(seed, m), two_layers(seed, m)};
}

inline std::vector<double> dense(const LassoPoint& point, int m) {
    std::vector<double> w(m, 0.0);
    for (size_t a = 0; a < point.index.size(); ++a) w[point.index[a]] = point.weight[a];
    return w;
}

/// ‖Xᵀw − l‖² from the rows themselves.
inline double objective(const Case& problem, const std::vector<double>& w) {
    double sum = 0;
    for (size_t n = 0; n < problem.label.size(); ++n) {
        double r = -problem.label[n];
        for (int i = 0; i < problem.size(); ++i) r += problem.x[i][n] * w[i];
        sum += r * r;
    }
    return sum;
}

/// X(l − Xᵀw) from the rows themselves.
inline std::vector<double> residual_correlation(const Case& problem, const std::vector<double>& w) {
    std::vector<double> r = problem.label;
    for (int i = 0; i < problem.size(); ++i) {
        for (size_t n = 0; n < r.size(); ++n) r[n] -= problem.x[i][n] * w[i];
    }
    std::vector<double> c;
    for (const auto& row : problem.x) c.push_back(dot(row, r));
    return c;
}

inline LassoPath solve(const Case& problem, const std::vector<double>& budgets, bool non_negative = true) {
    return mu_lasso(problem.gram, problem.correlation, problem.energy, budgets, {.non_negative = non_negative});
}

}  // namespace spikelens::lasso_test

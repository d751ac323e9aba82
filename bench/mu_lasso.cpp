// Question: what do the relevant filters of ten classes cost at all 50 budgets, once the responses are summed?
// One thread; every path is followed to its last budget and certified.

#include "spikelens/interpret/mu_lasso.h"

#include <cmath>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "spikelens/core/random.h"

namespace spikelens {
namespace {

constexpr int class_count = 10;

struct Sums {
    DoubleArray gram;
    std::vector<std::vector<double>> correlation;
    std::vector<double> predicted;
};

double uniform(uint64_t stream, uint64_t i, uint64_t n) { return random_uniform(stream, Stream::test, {i, n}); }

/// Shares of two layers for one sample: sparse, each layer sums to 1.
std::vector<double> shares(int m, uint64_t kind, uint64_t sample) {
    std::vector<double> x(m);
    double sums[2] = {0, 0};
    for (int i = 0; i < m; ++i) {
        const bool answers = uniform(1, i, sample) < (i % 5 == 4 ? 2e-4 : 0.6) || i == 0 || i == m / 3;
        x[i] = answers ? std::pow((0.2 + uniform(2, i, kind)) * uniform(3, i, sample), 2) : 0;
        sums[i >= m / 3] += x[i];
    }
    for (int i = 0; i < m; ++i) x[i] = static_cast<float>(x[i] / sums[i >= m / 3]);
    return x;
}

Sums sum_responses(int m, int samples) {
    Sums sums{DoubleArray({m, m}), {}, std::vector<double>(class_count, 0)};
    sums.correlation.assign(class_count, std::vector<double>(m, 0.0));
    for (int n = 0; n < samples; ++n) {
        const uint64_t kind = n % class_count;
        const std::vector<double> x = shares(m, kind, n);
        sums.predicted[kind] += 1;
        for (int i = 0; i < m; ++i) {
            sums.correlation[kind][i] += x[i];
            for (int j = 0; j < m; ++j) sums.gram.row(i)[j] += x[i] * x[j];
        }
    }
    return sums;
}

void BM_mu_lasso(benchmark::State& state) {
    const Sums sums = sum_responses(static_cast<int>(state.range(0)), 5000);
    const LassoOptions options{.non_negative = state.range(1) != 0};
    std::vector<double> budgets(50);
    std::iota(budgets.begin(), budgets.end(), 1.0);
    double worst = 0;
    for (auto _ : state) {
        for (int j = 0; j < class_count; ++j) {
            const LassoPath path = mu_lasso(sums.gram, sums.correlation[j], sums.predicted[j], budgets, options);
            for (const LassoPoint& point : path.points) worst = std::max(worst, point.kkt_residual);
        }
    }
    state.counters["worst_kkt"] = worst;
}
BENCHMARK(BM_mu_lasso)->ArgsProduct({{48, 400}, {1, 0}})->ArgNames({"filters", "non_negative"})->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spikelens

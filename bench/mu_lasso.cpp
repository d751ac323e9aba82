// Question: what do the relevant filters of all classes cost at all 50 budgets, once the responses are summed?
// Every path is followed to its last budget and certified. CPU time of all threads and wall-clock time.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include "spikelens/core/random.h"
#include "spikelens/interpret/relevant_filters.h"

#include "interpret/response_sums.h"

namespace spikelens {
namespace {

double uniform(uint64_t stream, uint64_t i, uint64_t n) { return random_uniform(stream, Stream::test, {i, n}); }

/// Shares of two layers for one sample: sparse, each layer sums to 1.
std::vector<float> shares(int m, uint64_t kind, uint64_t sample) {
    std::vector<double> x(m);
    std::vector<float> result;
    double sums[2] = {0, 0};
    for (int i = 0; i < m; ++i) {
        const bool answers = uniform(1, i, sample) < (i % 5 == 4 ? 2e-4 : 0.6) || i == 0 || i == m / 3;
        x[i] = answers ? std::pow((0.2 + uniform(2, i, kind)) * uniform(3, i, sample), 2) : 0;
        sums[i >= m / 3] += x[i];
    }
    for (int i = 0; i < m; ++i) result.push_back(static_cast<float>(x[i] / sums[i >= m / 3]));
    return result;
}

Responses sum_responses(int m, int classes, int samples) {
    ResponseSums sums = empty_sums(m, classes, {});
    for (; sums.samples < samples; ++sums.samples) {
        const int kind = static_cast<int>(sums.samples % classes);
        add_rows(sums, FloatArray({1, m}, shares(m, kind, sums.samples)), std::vector{kind}, {});
    }
    return finished(sums);
}

void BM_mu_lasso(benchmark::State& state) {
    const int filters = static_cast<int>(state.range(0)), classes = static_cast<int>(state.range(1));
    const Network network =
        parse_network(std::to_string(filters) + "C1-IF-" + std::to_string(classes) + "F", {1, 1, 1}, 1);
    const Responses responses = sum_responses(filters, classes, 6000);
    const LassoOptions options{.non_negative = state.range(2) != 0};
    Execution execution;
    execution.threads = static_cast<int>(state.range(3));
    std::vector<double> budgets(50);
    std::iota(budgets.begin(), budgets.end(), 1.0);
    double worst = 0;
    for (auto _ : state)
        worst = std::max(
            worst, find_relevant_filters(network, responses, budgets, 2, options, execution).worst_kkt_residual());
    state.counters["worst_kkt"] = worst;
}
BENCHMARK(BM_mu_lasso)
    ->ArgsProduct({{48, 400}, {10}, {1, 0}, {1}})
    ->ArgsProduct({{5504}, {50}, {1}, {1, 2}})
    ->ArgNames({"filters", "classes", "non_negative", "threads"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace spikelens

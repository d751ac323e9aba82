// Question: what do the sums over the responses of N images cost, beside the simulation?
// CPU time of all threads and wall-clock time; multiply-adds of the upper triangle a second, by wall-clock time. The
// images of every block are the same, so that memory holds one block. For comparison LibTorch's product of the same
// rows in float64.

#include <algorithm>
#include <cmath>

#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "spikelens/core/random.h"

#include "interpret/response_sums.h"

namespace spikelens {
namespace {

constexpr int64_t class_count = 50, block = 2000;

FloatArray responses_of_a_block(int64_t filters) {
    FloatArray x({block, filters});
    for (int64_t i = 0; i < x.size(); ++i) {
        const double u = random_uniform(1, Stream::test, {static_cast<uint64_t>(i)});
        x.data[i] = u < 0.5 ? 0.0F : static_cast<float>(u * u / static_cast<double>(filters));
    }
    return x;
}

void BM_gram(benchmark::State& state) {
    const int64_t filters = state.range(0), samples = state.range(1);
    Execution execution;
    execution.threads = static_cast<int>(state.range(2));
    const FloatArray x = responses_of_a_block(filters);
    std::vector<int> predicted(block);
    for (int64_t n = 0; n < block; ++n) predicted[n] = static_cast<int>(n % class_count);
    for (auto _ : state) {
        ResponseSums sums = empty_sums(filters, class_count, {});
        for (; sums.samples < samples; sums.samples += block) add_rows(sums, x, predicted, execution);
        benchmark::DoNotOptimize(finished(sums, execution).gram.data.data());
    }
    const double columns = static_cast<double>(filters + class_count + 1);
    state.counters["multiply_adds"] = benchmark::Counter(
        columns * (columns + 1) / 2 * static_cast<double>(samples) * static_cast<double>(state.iterations()),
        benchmark::Counter::kIsRate);
}
BENCHMARK(BM_gram)
    ->ArgsProduct({{5504}, {2000, 30000}, {1, 2}})
    ->ArgNames({"filters", "samples", "threads"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

void BM_LibTorch(benchmark::State& state) {
    const int64_t filters = state.range(0);
    at::set_num_threads(static_cast<int>(state.range(1)));
    FloatArray x = responses_of_a_block(filters);
    const at::Tensor rows = torch::from_blob(x.data.data(), {block, filters}).to(at::kDouble);
    for (auto _ : state) benchmark::DoNotOptimize(rows.t().mm(rows));
    const double elements = static_cast<double>(filters * filters);  // it computes both triangles
    state.counters["multiply_adds"] = benchmark::Counter(
        elements * static_cast<double>(block) * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}
BENCHMARK(BM_LibTorch)
    ->ArgsProduct({{5504}, {1, 2}})
    ->ArgNames({"filters", "threads"})
    ->MeasureProcessCPUTime()
    ->UseRealTime()
    ->Iterations(1)
    ->Unit(benchmark::kSecond);

}  // namespace
}  // namespace spikelens

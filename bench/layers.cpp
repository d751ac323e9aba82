// When does adding weights per spike beat a dense convolution in float32? By layer shape and density, one core.
// README.md has the question, machine and answer.
//
// GMAC/s counts the multiplications of the dense layer, done or not; "adds" are the additions of the event-driven
// kernel, and "of_peak" their share of what the machine added a moment before: rows of 64 numbers in the first-level
// cache, to registers.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/network.h"

#include "kernels/dispatch.h"
#include "snn/lower.h"
#include "snn/spike_maps.h"

namespace {

using namespace spikelens;

struct LayerShape {
    const char* name;
    const char* text;
    Shape input;
    int steps;
};

// Of the shallow network at 28², of SVGG19 at 224², and its first fully connected layer.
const LayerShape shapes[] = {
    {"shallow-conv2", "32C3-LIF-1F", {16, 14, 14}, 10},   {"shallow-full3", "128F-LIF-1F", {32, 7, 7}, 10},
    {"svgg19-conv2", "64C3-LIF-1F", {64, 56, 56}, 25},    {"svgg19-conv8", "256C3-LIF-1F", {256, 28, 28}, 25},
    {"svgg19-conv12", "512C3-LIF-1F", {512, 14, 14}, 25}, {"svgg19-full17", "4096F-LIF-1F", {512, 7, 7}, 25}};

Network layer_network(const LayerShape& shape) {
    Network network = parse_network(shape.text, shape.input, shape.steps);
    initialise_weights(network, 1);
    return network;
}

Array<uint8_t> random_spikes(const LayerShape& shape, double density) {
    Array<uint8_t> spikes({shape.steps, shape.input[0], shape.input[1], shape.input[2]});
    for (int64_t i = 0; i < spikes.size(); ++i)
        spikes.data[i] = random_uniform(1, Stream::test, {static_cast<uint64_t>(i)}) < density;
    return spikes;
}

using Row = int32_t __attribute__((vector_size(64)));
constexpr int kPeakRows = 64, kPeakRegisters = 4;  // 16 KB

/// Additions of 16 numbers that these rows take, `repeats` times, inlined for one instruction set.
inline __attribute__((always_inline)) void add_all(const Row* rows, int repeats, Row (&sum)[kPeakRegisters]) {
    Row a = sum[0], b = sum[1], c = sum[2], d = sum[3];
    for (int i = 0; i < repeats; ++i)
        for (const Row* row = rows; row != rows + kPeakRows * kPeakRegisters; row += kPeakRegisters) {
            a += row[0];
            b += row[1];
            c += row[2];
            d += row[3];
        }
    sum[0] = a, sum[1] = b, sum[2] = c, sum[3] = d;
}
__attribute__((target("avx512f"))) void add_avx512(const Row* rows, int repeats, Row (&sum)[kPeakRegisters]) {
    add_all(rows, repeats, sum);
}
__attribute__((target("avx2"))) void add_avx2(const Row* rows, int repeats, Row (&sum)[kPeakRegisters]) {
    add_all(rows, repeats, sum);
}

/// The most additions a second of this instruction set, here and now.
double peak(const std::string& kernel) {
    constexpr int kRepeats = 2000, kTries = 20;
    alignas(64) static Row rows[kPeakRows * kPeakRegisters];
    Row sum[kPeakRegisters] = {};
    double best = 0;
    for (int i = 0; i < kTries; ++i) {
        const auto start = std::chrono::steady_clock::now();
        (kernel == "avx2" ? add_avx2 : add_avx512)(rows, kRepeats, sum);
        benchmark::DoNotOptimize(sum);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        best = std::max(best, 16.0 * kRepeats * kPeakRows * kPeakRegisters / seconds);
    }
    return best;
}

double multiplications(const Layer& layer, int steps) {
    return static_cast<double>(layer.weight.size()) * layer.out_height * layer.out_width * steps;
}

void events(benchmark::State& state, const std::string& kernel, const LayerShape& shape, double density) {
    const Network network = layer_network(shape);
    const Layer& layer = network.layers.front();
    const kernels::LayerPlan plan = lower_for_spikes(layer, 1.0);
    SpikeMap input, output;
    const Array<uint8_t> spikes = random_spikes(shape, density);
    pack_spikes(spikes, 1, input);
    const std::vector<uint64_t> keep(static_cast<size_t>(plan.out_words), ~uint64_t{0});
    const kernels::KernelSet& set = kernels::choose_kernels(kernel);
    const double most = peak(kernel);
    double listed = 0;
    for (auto _ : state) {
        output.reset(plan.out_channels, plan.out_height, plan.out_width, shape.steps, 1);
        kernels::LayerTask task;
        task.plan = &plan;
        task.steps = shape.steps;
        task.spikes = input.words.data();
        task.listing = kernels::choose_listing(set, plan, shape.steps, 1, input.density());
        listed = task.listed = task.listing == kernels::Listing::silence ? 1 - density : density;
        task.keep = keep.data();
        task.out_spikes = output.words.data();
        task.pixels = plan.rows;
        task.end_block = plan.blocks;
        set.layer(task);
        benchmark::DoNotOptimize(output.words.data());
    }
    const double work = multiplications(layer, shape.steps) * static_cast<double>(state.iterations());
    state.counters["GMAC"] = benchmark::Counter(work * 1e-9, benchmark::Counter::kIsRate);
    state.counters["Gadds"] = benchmark::Counter(work * listed * 1e-9, benchmark::Counter::kIsRate);
    state.counters["of_peak"] = benchmark::Counter(work * listed / most, benchmark::Counter::kIsRate);
}

void dense(benchmark::State& state, const LayerShape& shape) {
    at::set_num_threads(1);
    const Network network = layer_network(shape);
    const Layer& layer = network.layers.front();
    const bool conv = layer.kind == LayerKind::conv;
    const at::Tensor weight = at::from_blob(const_cast<float*>(layer.weight.data.data()), layer.weight.shape).clone();
    at::Tensor input = at::rand({shape.steps, shape.input[0], shape.input[1], shape.input[2]}).lt(0.1).to(at::kFloat);
    if (!conv) input = input.flatten(1);
    for (auto _ : state) {
        const at::Tensor current = conv ? at::conv2d(input, weight, {}, 1, layer.padding) : at::mm(input, weight.t());
        benchmark::DoNotOptimize(current.data_ptr<float>());
    }
    const double work = multiplications(layer, shape.steps) * static_cast<double>(state.iterations());
    state.counters["GMAC"] = benchmark::Counter(work * 1e-9, benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
    for (const LayerShape& shape : shapes) {
        const std::string layer = std::string("layers/") + shape.name;
        benchmark::RegisterBenchmark((layer + "/dense-float32").c_str(), dense, shape)->Unit(benchmark::kMillisecond);
        for (const std::string& kernel : kernels::supported_kernels()) {
            if (kernel == "scalar" || kernel == "portable") continue;
            for (const double density : {0.02, 0.05, 0.1, 0.2, 0.5, 0.9}) {
                const std::string name = layer + "/" + kernel + "/density:" + std::to_string(density).substr(0, 4);
                benchmark::RegisterBenchmark(name.c_str(), events, kernel, shape, density)
                    ->Unit(benchmark::kMillisecond);
            }
        }
    }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

// How many images a second does the exact simulation make, by kernel and threads? README.md has the question, machine
// and answer.
#include "spikelens/snn/simulate.h"

#include <cstdlib>

#include <benchmark/benchmark.h>

#include "spikelens/core/random.h"
#include "spikelens/model_io/model_file.h"

#include "kernels/dispatch.h"

namespace {

using namespace spikelens;

/// The model that SPIKELENS_BENCH_MODEL names, or the shallow network with random weights scaled so that it spikes.
Network bench_network() {
    if (const char* path = std::getenv("SPIKELENS_BENCH_MODEL")) return load_model(path);
    Network network = parse_network(preset_text("shallow", 10), {1, 28, 28}, 10);
    initialise_weights(network, 1);
    for (Layer& layer : network.layers)
        for (float& weight : layer.weight.data) weight *= 2.5F;
    return network;
}

/// Images of which a fifth of the pixels are bright, like a digit on black.
FloatArray bench_images(const Network& network, int64_t count) {
    FloatArray images({count, network.channels, network.height, network.width});
    for (int64_t i = 0; i < images.size(); ++i) {
        const double draw = random_uniform(1, Stream::test, {static_cast<uint64_t>(i)});
        images.data[i] = draw < 0.2 ? static_cast<float>(5 * draw) : 0.0F;
    }
    return images;
}

void simulate(benchmark::State& state, const std::string& kernel, int threads) {
    const Network network = bench_network();
    const Simulator simulator(network, {.threads = threads, .kernel = kernel});
    const FloatArray images = bench_images(network, 256);
    for (auto _ : state) benchmark::DoNotOptimize(simulator.run(images).scores.data.data());
    state.counters["images"] =
        benchmark::Counter(256.0 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

}  // namespace

int main(int argc, char** argv) {
    for (const std::string& kernel : kernels::supported_kernels())
        for (const int threads : {1, 2}) {
            if (kernel == "scalar") continue;  // the reference is there to be right
            const std::string name = "simulate/" + kernel + "/threads:" + std::to_string(threads);
            benchmark::RegisterBenchmark(name.c_str(), simulate, kernel, threads)
                ->UseRealTime()
                ->Unit(benchmark::kMillisecond);
        }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

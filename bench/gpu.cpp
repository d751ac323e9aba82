// How fast is the GPU engine, and does it give the CPU's bits? README.md has the machine and the answer.
//
// usage: bench_gpu ENGINE MODEL IMAGES        a model of 28 × 28 pixels on the images of an IDX file (unpacked)
//        bench_gpu ENGINE svgg19 [PHOTOGRAPHS]
//
// ENGINE is gpu or gpu_emulated. Says samples a second of it and of all this machine's cores, and compares scores and
// the counts of all layers of both.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "spikelens/core/parallel.h"
#include "spikelens/model_io/model_file.h"
#include "spikelens/snn/engine.h"

#include "svgg19_network.h"

namespace {

using namespace spikelens;
using Clock = std::chrono::steady_clock;

template <class F>
double best_seconds(int times, F f) {
    double best = 1e300;
    for (int i = 0; i < times; ++i) {
        const auto start = Clock::now();
        f();
        best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
    }
    return best;
}

FloatArray images_of(const char* file) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    const auto count = static_cast<int64_t>(bytes.size() / 784);
    FloatArray images({count, 1, 28, 28});
    for (int64_t i = 0; i < images.size(); ++i)
        images.data[i] = static_cast<float>(static_cast<unsigned char>(bytes[16 + i])) / 255;
    return images;
}

FloatArray photographs(int64_t count) {
    FloatArray images;
    for (int64_t n = 0; n < count; ++n) {
        FloatArray image = photograph(224);
        for (float& value : image.data) value *= 1 - 0.5F * static_cast<float>(n) / static_cast<float>(count);
        images.append(image);
    }
    return images;
}

/// Whether both engines decide alike, and count the same spikes in every layer.
bool the_same(const Engine& a, const Engine& b, const FloatArray& images) {
    RecordRequest request{{}, true, true, false, false};
    for (int l = 0; l < static_cast<int>(a.network().layers.size()); ++l)
        if (a.network().layers[l].neuron) request.layers.push_back(l);
    const Recording of_a = a.run(images, request), of_b = b.run(images, request);
    bool same = of_a.scores == of_b.scores;
    for (size_t l = 0; l < of_a.layers.size(); ++l) {
        double spikes = 0;
        for (const uint16_t count : of_a.layers[l].counts.data) spikes += count;
        const bool equal = of_a.layers[l].counts == of_b.layers[l].counts &&
                           of_a.layers[l].pooled_counts == of_b.layers[l].pooled_counts;
        std::printf("  %-7s %5.1f %% of neurons spike in a step, counts %s\n",
                    a.network().layers[request.layers[l]].name.c_str(),
                    100 * spikes / (static_cast<double>(of_a.layers[l].counts.size()) * a.network().steps),
                    equal ? "equal" : "DIFFER");
        same = same && equal;
    }
    return same;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const std::string what = argv[2];
    const bool large = what == "svgg19";
    const int64_t few = large ? 4 : 500;
    const auto network = std::make_shared<const Network>(large ? scaled_network(layer_factors(0.1)) : load_model(what));
    const FloatArray images = large ? photographs(argc > 3 ? std::atoi(argv[3]) : 32) : images_of(argv[3]);
    const int64_t on_cpu = large ? std::min<int64_t>(images.extent(0), available_threads()) : images.extent(0);
    const CpuEngine cpu(network);
    const auto start = Clock::now();
    const std::unique_ptr<const Engine> gpu = make_engine(argv[1], network);
    std::printf("%s, T = %d: engine made in %.2f s (%s)\n", what.c_str(), network->steps,
                std::chrono::duration<double>(Clock::now() - start).count(), gpu->describe().back().c_str());
    const bool same = the_same(cpu, *gpu, images.rows(0, std::min(few, images.extent(0))).copy());
    std::printf("scores and counts of all layers: %s\n", same ? "the same bits" : "NOT THE SAME");
    gpu->run(images);
    const double seconds = best_seconds(3, [&] { gpu->run(images); }), samples = static_cast<double>(images.extent(0));
    std::printf("%-12s %9.1f images/s (%.3f s for %.0f)\n", argv[1], samples / seconds, seconds, samples);
    const FloatArray some = images.rows(0, on_cpu).copy();
    const double of_cpu = best_seconds(large ? 1 : 2, [&] { cpu.run(some); });
    std::printf("cpu          %9.1f images/s on %d threads (%.3f s for %lld)\n", static_cast<double>(on_cpu) / of_cpu,
                available_threads(), of_cpu, static_cast<long long>(on_cpu));
    std::printf("scores of all of them: %s\n", std::ranges::equal(gpu->run(some).scores.data, cpu.run(some).scores.data)
                                                   ? "the same bits"
                                                   : "NOT THE SAME");
    return same ? 0 : 1;
}

// How long does one photograph take through SVGG19 (224 × 224, T = 25), and how much memory, by exact simulation and
// layer by layer through LibTorch? README.md has the question, machine and answer.
//
// The weights are random, each layer's scaled until a tenth of its neurons spikes in a step (argument 1 says another
// share).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <malloc.h>

#include "svgg19_network.h"
#include "train/torch/torch_network.h"

namespace {

using namespace spikelens;

/// Linux keeps the largest resident size since it was last reset.
void reset_peak() { std::ofstream("/proc/self/clear_refs") << 5; }

double peak_megabytes() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmHWM:")) return std::atof(line.c_str() + 6) / 1024;
    return 0;
}

template <class F>
double best_seconds(int times, F f) {
    double best = 1e300;
    for (int i = 0; i < times; ++i) {
        const auto start = std::chrono::steady_clock::now();
        f();
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

}  // namespace

int main(int argc, char** argv) {
    const double share = argc > 1 && argv[1][0] != '-' ? std::atof(argv[1]) : 0.1;
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    const FloatArray image = photograph(224);
    const std::vector<float> factors = layer_factors(share);
    Network network = scaled_network(factors);
    double work = 0;
    for (const Layer& layer : network.layers)
        work += static_cast<double>(layer.weight.size()) * layer.out_height * layer.out_width * network.steps * 1e-9;
    const double weights = 4e-6 * static_cast<double>(parameter_count(network));
    std::printf("SVGG19, 224 x 224, T = 25: %.0f GMAC, %.0f MB of weights\n", work, weights);

    double exact = 0;
    {
        const Simulator simulator = Simulator::without_weights(std::move(network), {.threads = 1});
        malloc_trim(0);
        reset_peak();
        exact = best_seconds(3, [&] { simulator.run(image); });
        std::printf("exact, one thread    %6.2f s  %5.0f GMAC/s; the whole process at most %.0f MB while simulating\n",
                    exact, work / exact, peak_megabytes());
        for (int layer : {0, 7, 15, 17})
            std::printf("  %s: %.1f %% of neurons spike in a step\n", simulator.network().layers[layer].name.c_str(),
                        100 * rate_of(simulator, layer, image));
    }
    network = scaled_network(factors);
    {
        const Simulator simulator = Simulator::without_weights(network, {.threads = 2});
        const double seconds = best_seconds(3, [&] { simulator.run(image); });
        std::printf("exact, two threads   %6.2f s  %5.2f times one\n", seconds, exact / seconds);
    }
    const at::NoGradGuard no_autograd;
    compute_in_this_thread();
    const TorchNetwork torch(network, {}, std::vector<bool>(network.layers.size(), true),
                             {});  // nothing is kept for a way back
    malloc_trim(0);
    reset_peak();
    FloatArray copy = image;
    const double layerwise = best_seconds(2, [&] {
        TorchNetwork::Trace trace;
        torch.forward(view_of(copy), trace);
    });
    std::printf("LibTorch, layer by layer, one thread  %6.2f s, at most %.0f MB; exact is %.1f times as fast\n",
                layerwise, peak_megabytes(), layerwise / exact);
    return 0;
}

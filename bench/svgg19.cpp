// How long does one photograph take through SVGG19 (224 × 224, T = 25), and how much memory, by exact simulation and layer by
// layer through LibTorch? README.md has the question, machine and answer.
//
// The weights are random, each layer's scaled until a tenth of its neurons spikes in a step (argument 1 says another share).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <sys/resource.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/simulate.h"

#include "snn/torch_network.h"

namespace {

using namespace spikelens;

FloatArray photograph(int64_t side) {
    FloatArray image({1, 3, side, side});
    for (int64_t i = 0; i < image.size(); ++i) {
        const double x = static_cast<double>(i % side) / static_cast<double>(side),
                     y = static_cast<double>(i / side % side) / static_cast<double>(side);
        const double noise = random_uniform(1, Stream::test, {static_cast<uint64_t>(i)});
        image.data[i] = static_cast<float>(0.4 + 0.3 * std::sin(9 * x + 5 * y) + 0.3 * noise * noise);
    }
    return image;
}

/// Spikes per neuron and step of one layer.
double rate_of(const Network& network, int layer, const FloatArray& image) {
    const Recording recording = Simulator(network).run(image, {.layers = {layer}, .counts = true});
    double spikes = 0;
    for (uint16_t count : recording.layer(layer).counts.data) spikes += count;
    return spikes / (static_cast<double>(recording.layer(layer).counts.size()) * network.steps);
}

void scale_to(Network& network, double share, const FloatArray& image) {
    for (int l = 0; l + 1 < static_cast<int>(network.layers.size()); ++l) {
        double low = 0.1, high = 40;
        const std::vector<float> plain = network.layers[l].weight.data;
        for (int halving = 0; halving < 6; ++halving) {
            const double factor = std::sqrt(low * high);
            for (size_t i = 0; i < plain.size(); ++i) network.layers[l].weight.data[i] = static_cast<float>(factor) * plain[i];
            (rate_of(network, l, image) < share ? low : high) = factor;
        }
    }
}

/// Scales found at a seventh of the side, where they cost little, on the weights of the whole network.
Network scaled_network(int64_t side, double share) {
    const Network whole = [&] {
        Network network = parse_network(preset_text("svgg19", 50), {3, side, side}, 25);
        initialise_weights(network, 1);
        return network;
    }();
    Network small = parse_network(preset_text("svgg19", 50), {3, 32, 32}, 25);
    initialise_weights(small, 1);
    const Network before = small;
    scale_to(small, share, photograph(32));
    Network result = whole;
    for (size_t l = 0; l < result.layers.size(); ++l) {
        const size_t at =
            static_cast<size_t>(std::ranges::max_element(before.layers[l].weight.data) - before.layers[l].weight.data.begin());
        const float factor = small.layers[l].weight.data[at] / before.layers[l].weight.data[at];
        for (float& weight : result.layers[l].weight.data) weight *= factor;
    }
    return result;
}

double memory_megabytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<double>(usage.ru_maxrss) / 1024;
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
    Network network = scaled_network(224, share);
    const FloatArray image = photograph(224);
    double work = 0;
    for (const Layer& layer : network.layers)
        work += static_cast<double>(layer.weight.size()) * layer.out_height * layer.out_width * network.steps * 1e-9;
    std::printf("SVGG19, 224 x 224, T = 25: %.0f GMAC, %.0f MB of weights\n", work,
                4e-6 * static_cast<double>(parameter_count(network)));
    const Simulator one(network, {1, ""}), two(network, {2, ""});
    const double before = memory_megabytes();
    double seconds[2];
    seconds[0] = best_seconds(3, [&] { one.run(image); });
    seconds[1] = best_seconds(3, [&] { two.run(image); });
    const double used = memory_megabytes() - before;
    std::printf("exact, one thread    %6.2f s  %5.0f GMAC/s\n", seconds[0], work / seconds[0]);
    std::printf("exact, two threads   %6.2f s  %5.2f times one\n", seconds[1], seconds[0] / seconds[1]);
    std::printf("memory beyond the weights: %.0f MB\n", used);
    for (int layer : {0, 7, 15, 17})
        std::printf("  %s: %.1f %% of neurons spike in a step\n", network.layers[layer].name.c_str(),
                    100 * rate_of(network, layer, image));
    const at::NoGradGuard no_autograd;
    compute_in_this_thread();
    const TorchNetwork torch(network, {}, false, at::kFloat);
    FloatArray copy = image;
    const double peak = memory_megabytes();
    const double layerwise = best_seconds(2, [&] {
        TorchNetwork::Trace trace;
        torch.forward(view_of(copy), trace);
    });
    std::printf("LibTorch, layer by layer, one thread  %6.2f s; exact is %.1f times as fast; %.0f MB more\n", layerwise,
                layerwise / seconds[0], memory_megabytes() - peak);
    return 0;
}

// How long does one photograph take through SVGG19 (224 × 224, T = 25), and how much memory, by exact simulation and layer by
// layer through LibTorch? README.md has the question, machine and answer.
//
// The weights are random, each layer's scaled until a tenth of its neurons spikes in a step (argument 1 says another share).
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <malloc.h>

#include "spikelens/core/random.h"
#include "spikelens/snn/simulate.h"

#include "train/torch/torch_network.h"

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
double rate_of(const Simulator& simulator, int layer, const FloatArray& image) {
    const Recording recording = simulator.run(image, {.layers = {layer}, .counts = true});
    double spikes = 0;
    for (uint16_t count : recording.layer(layer).counts.data) spikes += count;
    return spikes / (static_cast<double>(recording.layer(layer).counts.size()) * simulator.network().steps);
}

Layer silent_readout(const Layer& before) {
    Layer readout;
    readout.name = "readout";
    readout.kind = LayerKind::full;
    readout.in_channels = before.out_channels;
    readout.in_height = before.pooled_height;
    readout.in_width = before.pooled_width;
    readout.out_channels = readout.out_height = readout.out_width = readout.pooled_height = readout.pooled_width = 1;
    readout.has_bias = false;
    readout.weight = FloatArray({1, readout.fan_in()});
    return readout;
}

/// The factor of each layer's weights that makes this share of its neurons spike in a step, found on a small photograph.
std::vector<float> layer_factors(double share) {
    Network network = parse_network(preset_text("svgg19", 50), {3, 32, 32}, 25);
    initialise_weights(network, 1);
    const FloatArray image = photograph(32);
    std::vector<float> factors(network.layers.size(), 1);
    for (int l = 0; l + 1 < static_cast<int>(network.layers.size()); ++l) {
        Network head = network;
        head.layers.resize(l + 1);
        head.layers.push_back(silent_readout(head.layers.back()));
        const std::vector<float> plain = head.layers[l].weight.data;
        double low = 0.1, high = 40;
        for (int halving = 0; halving < 7; ++halving) {
            factors[l] = static_cast<float>(std::sqrt(low * high));
            for (size_t i = 0; i < plain.size(); ++i) head.layers[l].weight.data[i] = factors[l] * plain[i];
            (rate_of(Simulator(head), l, image) < share ? low : high) = factors[l];
        }
        network.layers[l].weight.data = head.layers[l].weight.data;
    }
    return factors;
}

Network scaled_network(const std::vector<float>& factors) {
    Network network = parse_network(preset_text("svgg19", 50), {3, 224, 224}, 25);
    initialise_weights(network, 1);
    for (size_t l = 0; l < factors.size(); ++l)
        for (float& weight : network.layers[l].weight.data) weight *= factors[l];
    return network;
}

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
        std::printf("exact, one thread    %6.2f s  %5.0f GMAC/s; the whole process at most %.0f MB while simulating\n", exact,
                    work / exact, peak_megabytes());
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
    const TorchNetwork torch(network, {}, std::vector<bool>(network.layers.size(), true));  // nothing is kept for a way back
    malloc_trim(0);
    reset_peak();
    FloatArray copy = image;
    const double layerwise = best_seconds(2, [&] {
        TorchNetwork::Trace trace;
        torch.forward(view_of(copy), trace);
    });
    std::printf("LibTorch, layer by layer, one thread  %6.2f s, at most %.0f MB; exact is %.1f times as fast\n", layerwise,
                peak_megabytes(), layerwise / exact);
    return 0;
}

#include "spikelens/train/outcome.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace spikelens {
namespace {

constexpr double kTimesIgnorance = 10;
constexpr int64_t kBatch = 32;
constexpr int64_t kCounts = int64_t{1} << 24;  // of a batch, in memory

std::vector<int> layers_with_neurons(const Network& network) {
    std::vector<int> layers;
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].neuron) layers.push_back(static_cast<int>(l));
    return layers;
}

}  // namespace

double diverged_loss(int64_t classes) {
    return classes > 1 ? kTimesIgnorance * std::log(static_cast<double>(classes))
                       : std::numeric_limits<double>::infinity();
}

bool diverged(const EpochResult& epoch, int64_t classes) { return !(epoch.loss <= diverged_loss(classes)); }

std::vector<LayerRate> spike_rates(const Engine& engine, const SampleSource& samples, int64_t count) {
    const Network& network = engine.network();
    const RecordRequest request{.layers = layers_with_neurons(network), .counts = true};
    int64_t neurons = 0;
    for (const int layer : request.layers) neurons += element_count(network.layers[layer].output_shape());
    count = std::min(count, samples.size());
    const int64_t batch = std::clamp<int64_t>(kCounts / std::max<int64_t>(1, neurons), 1, kBatch);
    std::vector<uint64_t> spikes(request.layers.size(), 0);
    int64_t steps = network.steps;
    for (int64_t first = 0; first < count && !request.layers.empty(); first += batch) {
        std::vector<int64_t> indices(std::min(batch, count - first));
        std::iota(indices.begin(), indices.end(), first);
        const Input input = samples.input(indices);
        if (input.spiking()) steps = input.steps();
        const Recording recording = engine.run(input, request);
        for (size_t i = 0; i < spikes.size(); ++i)
            for (const uint16_t number : recording.layers[i].counts.data) spikes[i] += number;
    }
    std::vector<LayerRate> rates;
    for (size_t i = 0; i < spikes.size(); ++i) {
        const Layer& layer = network.layers[request.layers[i]];
        const auto most = static_cast<double>(count * steps * element_count(layer.output_shape()));
        rates.push_back({layer.name, most > 0 ? static_cast<double>(spikes[i]) / most : 0});
    }
    return rates;
}

std::vector<std::string> silent_layers(const std::vector<LayerRate>& rates) {
    std::vector<std::string> silent;
    for (const LayerRate& layer : rates)
        if (layer.rate == 0) silent.push_back(layer.layer);
    return silent;
}

double largest_class_share(const SampleSource& samples) {
    std::map<int, int64_t> counts;
    int64_t largest = 0;
    for (int64_t i = 0; i < samples.size(); ++i) largest = std::max(largest, ++counts[samples.label(i)]);
    return samples.size() > 0 ? static_cast<double>(largest) / static_cast<double>(samples.size()) : 0;
}

}  // namespace spikelens

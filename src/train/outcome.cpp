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

bool spikes(const LayerRecording& layer) {
    return std::ranges::any_of(layer.counts.data, [](uint16_t count) { return count > 0; });
}

std::vector<int> layers_with_neurons(const Network& network) {
    std::vector<int> layers;
    for (size_t l = 0; l < network.layers.size(); ++l)
        if (network.layers[l].neuron) layers.push_back(static_cast<int>(l));
    return layers;
}

}  // namespace

double diverged_loss(int64_t classes) {
    return classes > 1 ? kTimesIgnorance * std::log(static_cast<double>(classes)) : std::numeric_limits<double>::infinity();
}

bool diverged(const EpochResult& epoch, int64_t classes) { return !(epoch.loss <= diverged_loss(classes)); }

std::vector<int> silent_layers(const Engine& engine, const SampleSource& samples, int64_t count) {
    RecordRequest request;
    request.layers = layers_with_neurons(engine.network());
    request.counts = true;
    count = std::min(count, samples.size());
    for (int64_t first = 0; first < count && !request.layers.empty(); first += kBatch) {
        std::vector<int64_t> indices(std::min(kBatch, count - first));
        std::iota(indices.begin(), indices.end(), first);
        const Recording recording = engine.run(samples.input(indices), request);
        std::erase_if(request.layers, [&](int layer) { return spikes(recording.layer(layer)); });
    }
    return request.layers;
}

double largest_class_share(const SampleSource& samples) {
    std::map<int, int64_t> counts;
    int64_t largest = 0;
    for (int64_t i = 0; i < samples.size(); ++i) largest = std::max(largest, ++counts[samples.label(i)]);
    return samples.size() > 0 ? static_cast<double>(largest) / static_cast<double>(samples.size()) : 0;
}

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// The mean cross-entropy above which an epoch counts as diverged: 10·ln C for C classes. A network that knows nothing
/// and gives all classes the same score has ln C. Infinite for one class, where the loss is always 0.
double diverged_loss(int64_t classes);

/// Whether this epoch's mean loss is above diverged_loss, or is no number.
bool diverged(const EpochResult& epoch, int64_t classes);

/// How much a layer spikes: spikes for each neuron and step. A silent layer, of rate 0, passes nothing on to the layers
/// behind it.
struct LayerRate {
    std::string layer;
    double rate = 0;

    bool operator==(const LayerRate&) const = default;
    static void fields(auto& self, auto& field) { field("layer", self.layer), field("rate", self.rate); }
};

/// Of every layer with neurons, in the exact simulation of the first `count` samples (fewer where there are fewer):
/// costs one simulation of them. Throws InputError for samples of another shape.
std::vector<LayerRate> spike_rates(const Engine& engine, const SampleSource& samples, int64_t count);

/// The layers that are silent.
std::vector<std::string> silent_layers(const std::vector<LayerRate>& rates);

/// The share of the most frequent class: the accuracy of always answering it. 0 without samples.
double largest_class_share(const SampleSource& samples);

}  // namespace spikelens

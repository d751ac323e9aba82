#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"
#include "spikelens/train/train.h"

namespace spikelens {

/// The mean cross-entropy above which an epoch counts as diverged: 10·ln C for C classes. A network that knows nothing and
/// gives all classes the same score has ln C. Infinite for one class, where the loss is always 0.
double diverged_loss(int64_t classes);

/// Whether this epoch's mean loss is above diverged_loss, or is no number.
bool diverged(const EpochResult& epoch, int64_t classes);

/// The layers with neurons of which none spikes, in the exact simulation, on the first `count` samples (fewer where there are
/// fewer): indices into network.layers, ascending. A silent layer passes nothing on to the layers behind it. Ends as soon as
/// each layer has spiked; else costs one simulation of the samples. Throws InputError for samples of another shape.
std::vector<int> silent_layers(const Engine& engine, const SampleSource& samples, int64_t count);

/// The share of the most frequent class: the accuracy of always answering it. 0 without samples.
double largest_class_share(const SampleSource& samples);

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <vector>

#include "spikelens/core/samples.h"
#include "spikelens/snn/engine.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// The rows of the response matrix that one layer owns: response_filters lists a layer's filters together.
struct LayerRows {
    int layer = 0;
    int64_t first = 0;
    int64_t count = 0;
};

/// Throws InputError when the network has no filter to interpret.
std::vector<LayerRows> layer_rows(const Network& network);

/// Counts of every layer in `rows`.
RecordRequest counts_of(const std::vector<LayerRows>& rows);

/// Images simulated at once, so that images and counts take at most execution.memory, and 512 MB.
int64_t images_per_batch(const Engine& engine, const std::vector<LayerRows>& recorded);

/// Throws InputError when the images do not have the network's shape.
void check_samples(const Network& network, const SampleSource& samples);

}  // namespace spikelens

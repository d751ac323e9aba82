#pragma once

#include <string>
#include <vector>

#include "spikelens/snn/network.h"

namespace spikelens {

/// The convolution layers with a neuron, which spatial methods read. Throws InputError (`method` opens the sentence)
/// when the network has none.
std::vector<int> filter_layers(const Network& network, const std::string& method);

/// The one of filter_layers with this name. Throws InputError that lists them, after the `words` that would also do.
int named_layer(const Network& network, const std::string& method, const std::string& name,
                const std::vector<std::string>& words);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_graph.h"

namespace spikelens {

/// What the network reads.
struct NirInput {
    int channels = 0, height = 1, width = 1;
    bool flat = false;  ///< the graph reads it as one axis
    std::vector<std::string> assumptions;
};

/// The input's shape, from the Input node, from the options where it does not say, or from both where they have as many
/// elements.
NirInput nir_input(const NirNode& node, const NirOptions& options, const std::string& where);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "nir_weight_node.h"

namespace spikelens {

/// What the network reads.
struct NirInput {
    NirShape shape;
    std::vector<std::string> assumptions;
};

/// The input's shape, from the Input node, from the options where it does not say, or from both where they have as many
/// elements. `one_row`: a node of one axis reads it, [C, L]; of two axes that the Input has, else, one is the batch's
/// or it lacks the channels.
NirInput nir_input(const NirNode& node, const NirOptions& options, bool one_row, const std::string& where);

}  // namespace spikelens

#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spikelens/snn/network.h"

#include "place_order.h"
#include "state_dict.h"

namespace spikelens {

/// Layers of one shape of which neither goes into the other, in the order of the network's text.
using AlikeLayers = std::vector<std::pair<const Layer*, const Layer*>>;

/// Whether one layer's output goes into another, over any path.
bool reaches(const Network& network, const Layer& from, const Layer& to);

/// Layers of parallel branches that are alike are told apart by the order of the text alone: that counts where no other
/// two weights stand the other way round in the file, by their numbers or by the model's definition. What does, as the
/// end of a sentence; "" when nothing does or no layers are alike.
std::string branch_fault(const AlikeLayers& alike, const std::map<const Layer*, const StateTensor*>& weights,
                         const NameNumbers& numbers);

}  // namespace spikelens

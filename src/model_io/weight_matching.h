#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spikelens/model_io/import.h"

#include "state_dict.h"
#include "weight_names.h"

namespace spikelens {

/// Which slot each of the state dict's tensors goes to, in its order; nothing for those that go nowhere.
using WeightPlan = std::vector<std::optional<WeightSlot>>;

struct MatchedWeights {
    WeightPlan plan;
    std::vector<std::string> assumptions;
};

/// Finds the layer of every weight, recurrent weight and bias (`weights`: their places in the state dict); the rules
/// are those of import.h. Shapes fit, and every weight that the network wants is filled, else an InputError, opened by
/// `where`, that names the tensor and the layer. Recurrent weights that `options` tells as a number are filled here.
MatchedWeights match_weights(const StateDict& state, const std::vector<size_t>& weights, Network& network,
                             const WeightOptions& options, const std::string& where);

}  // namespace spikelens

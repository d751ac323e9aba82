#pragma once

#include <functional>
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

/// Finds the layer of every weight and bias (`weights`: their places in the state dict); the rules are those of import.h.
/// Shapes fit, and every slot that the network wants is filled, else an InputError, opened by `where`, that names the tensor
/// and the layer.
MatchedWeights match_weights(const StateDict& state, const std::vector<size_t>& weights, Network& network,
                             const WeightOptions& options, const std::string& where);

/// A thing in a state dict that has a place among others of its kind: a weight, a neuron.
struct NamedPlace {
    std::string name;              ///< what its name says is compared by order_of_names
    std::optional<size_t> module;  ///< StateTensor::module
};

/// The order of two by their names, where those say nothing by the definition of the model, else unknown. `contradiction` is
/// set when both speak and disagree; then it is unknown too.
NameOrder order_of_places(const NamedPlace& first, const NamedPlace& second, bool& contradiction);

/// Sorts by order_of_places. Calls `fail(a, b, contradiction)`, which must throw, with two that no one can order.
std::vector<size_t> sorted_places(const std::vector<NamedPlace>& places, const std::function<void(size_t, size_t, bool)>& fail);

}  // namespace spikelens

#pragma once

#include <map>
#include <string>

#include "spikelens/snn/network.h"

#include "tensor_view.h"

namespace spikelens {

/// A place for one tensor in a network: the weight or bias of a layer. A layer without bias has that place too, so that a
/// file's bias for it can be told apart from a stranger.
struct WeightSlot {
    Layer* layer = nullptr;
    bool bias = false;

    std::string name() const;  ///< "conv1.weight"
    Shape shape() const;       ///< [out] for every bias
    bool wanted() const { return !bias || layer->has_bias; }
};

/// Slots by the names that files may give them.
using SlotNames = std::map<std::string, WeightSlot>;

/// "conv1.weight": the network's own names.
SlotNames own_names(Network& network);

/// torchvision's names of a VGG without batch normalisation: "features.<n>" counts convolutions, their activations and pools;
/// "classifier.<n>" every third, for activation and dropout stand between. Empty when a convolution follows a fully connected
/// layer.
SlotNames vgg_names(Network& network);

/// The last part of a dotted name, "weight" of "features.0.weight".
std::string leaf_of(const std::string& name);

/// Whether a tensor is a neuron's parameter or state by the names that snnTorch, SpikingJelly, Norse, Sinabs and Rockpool give
/// them.
bool is_neuron_parameter(const std::string& name, const Shape& shape);

/// Whether names sorted by letters would be in another order with their numbers read as numbers: features.10 before features.2.
bool numbers_out_of_order(const std::string& first, const std::string& second);

}  // namespace spikelens

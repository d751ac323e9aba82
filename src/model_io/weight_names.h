#pragma once

#include <map>
#include <string>

#include "spikelens/snn/network.h"

#include "tensor_view.h"

namespace spikelens {

/// What a tensor is of a layer. A recurrent bias is added to the layer's own.
enum class SlotPart { weight, bias, recurrent, recurrent_bias };

/// A place for one tensor in a network. A layer without bias has that place too, so that a file's bias for it can be
/// told apart from a stranger.
struct WeightSlot {
    Layer* layer = nullptr;
    SlotPart part = SlotPart::weight;

    bool bias() const { return part == SlotPart::bias || part == SlotPart::recurrent_bias; }
    std::string name() const;  ///< "conv1.weight", "conv1.recurrent.bias"
    Shape shape() const;       ///< [out] for every bias
    bool wanted() const { return !bias() || layer->has_bias; }
};

/// Slots by the names that files may give them.
using SlotNames = std::map<std::string, WeightSlot>;

/// "conv1.weight", "conv1.recurrent.weight": the network's own names.
SlotNames own_names(Network& network);

/// torchvision's names of a VGG without batch normalisation: "features.<n>" counts convolutions, their activations and
/// pools; "classifier.<n>" every third, for activation and dropout stand between. Empty when a convolution follows a
/// fully connected layer.
SlotNames vgg_names(Network& network);

/// The last part of a dotted name, "weight" of "features.0.weight".
std::string leaf_of(const std::string& name);

/// What comes before the last part and its dot, "features.0" of "features.0.weight"; "" of "weight".
std::string stem_of(const std::string& name);

enum class NameOrder { first_before, second_before, unknown };

/// What two names say of the order of what they name: where they first differ, both must have a number, and their
/// numbers, read as numbers, decide: features.2 before features.10, fc1 before fc2, layers.0.conv before layers.1.fc.
/// Words say nothing: conv and fc, fc1 and out are in no order.
NameOrder order_of_names(std::string_view first, std::string_view second);

/// The name of the bias that goes with a weight: "fc.bias" of "fc.weight", "b1" of "W1", "fc_bias" of "fc_kernel".
/// Empty where the name has no such word.
std::string bias_name(const std::string& weight);

}  // namespace spikelens

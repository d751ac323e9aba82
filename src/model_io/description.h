#pragma once

#include <nlohmann/json.hpp>

#include "spikelens/io/json_fields.h"
#include "spikelens/snn/network.h"

namespace spikelens {

/// Everything about a network but its weights (docs/formats/model.md). Equal networks give equal documents.
nlohmann::json describe_network(const Network& network);

/// The network of a description, its weights still empty. Throws InputError unless every field is there, of its type
/// and in range, the sizes follow from each other, and the network text says the same as the list of layers.
Network read_description(const JsonField& document);

}  // namespace spikelens

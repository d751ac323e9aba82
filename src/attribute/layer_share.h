#pragma once

#include <string>

#include "methods.h"
#include "share_out.h"

namespace spikelens {

/// What the spikes of a layer brought to the score, summed over its filters and resized to the input: the map of
/// `share:layer=conv2`, at every step of `share3d:layer=conv2`. Declares the options `layer` and, with a layer,
/// `filters`; null for the input's own shares.
MethodPointer make_layer_share(MethodOptions& options, const ShareOptions& shares, const std::string& name, bool timed);

}  // namespace spikelens

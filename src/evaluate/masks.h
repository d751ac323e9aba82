#pragma once

#include <string>
#include <vector>

#include "mosaics.h"

namespace spikelens {

/// Which pixels of each explained sample its mask has inside. Throws InputError, naming `who` asks, where the context has no
/// masks, or they are not of the samples' size.
std::vector<std::vector<Place>> masked_places(const MetricContext& context, const ExplainedSamples& explained,
                                              const std::string& who);

}  // namespace spikelens

#pragma once

#include <string>
#include <vector>

#include "mosaics.h"

namespace spikelens {

/// Which pixels of each explained sample its mask has inside. Throws InputError, naming `who` asks, where the context
/// has no masks, they are not of the samples' size, or one of them has nothing or everything inside.
std::vector<std::vector<Place>> masked_places(const MetricContext& context, const ExplainedSamples& explained,
                                              const std::string& who);

}  // namespace spikelens

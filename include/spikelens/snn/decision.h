#pragma once

#include <span>

namespace spikelens {

/// Whether the class scores of one sample name no class: all of them are equal, as when a network whose score counts output
/// spikes stays silent. Their first maximum is then no decision. A single class is always decided.
bool undecided(std::span<const float> scores);

}  // namespace spikelens

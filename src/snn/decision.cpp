#include "spikelens/snn/decision.h"

#include <algorithm>

namespace spikelens {

bool undecided(std::span<const float> scores) {
    return scores.size() > 1 && std::ranges::all_of(scores, [&](float score) { return score == scores.front(); });
}

}  // namespace spikelens

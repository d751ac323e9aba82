#pragma once

#include <cstdint>

namespace spikelens {

/// Fewer values than this that are all equal say nothing of how they vary: a sign test cannot tell five equal signs
/// from chance (2 · 2⁻⁵ = .06), but six (.03). Means of such values have no interval.
constexpr int64_t kFewestEqual = 6;

}  // namespace spikelens

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "spikelens/core/array.h"
#include "spikelens/core/execution.h"

namespace spikelens {

/// Shapley values of a game: what each of `players` adds to the value of a coalition, averaged over all orders in which
/// they can join. They sum to v(all) − v(none); a player that never changes the value has 0.
struct Game {
    int64_t players = 0;
    /// Values of coalitions [M, players], 1 where a player is in.
    std::function<std::vector<double>(const Array<uint8_t>& coalitions)> values;
};

constexpr int64_t kMostPlayersExactly = 12;

/// By definition, over all 2^players coalitions: at most kMostPlayersExactly players.
std::vector<double> exact_shapley(const Game& game);

/// The mean over so many random orders of what each player adds when it joins; every second order is the one before,
/// reversed. The sum is exact. Orders are addressed by (seed, sample, order). Cost: orders · (players − 1) + 2 values.
std::vector<double> permutation_shapley(const Game& game, int64_t orders, uint64_t seed, int64_t sample);

/// KernelSHAP (Lundberg, Lee, NeurIPS 2017): the weighted least squares whose solution Shapley values are, the sum held
/// exactly. All coalitions with their weights where `coalitions` suffices for them: exact then. Else so many are drawn,
/// each with its complement, as often as their weights say, addressed by (seed, sample, draw).
std::vector<double> kernel_shapley(const Game& game, int64_t coalitions, uint64_t seed, int64_t sample,
                                   const Execution& execution);

}  // namespace spikelens

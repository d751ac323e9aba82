#include "shapley_values.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numeric>

#include "spikelens/core/random.h"

#include "cholesky.h"

namespace spikelens {
namespace {

constexpr double kRidge = 1e-9;  ///< where draws leave players indistinguishable

/// Row k has the players of the bits of k.
Array<uint8_t> all_coalitions(int64_t players) {
    Array<uint8_t> all({int64_t{1} << players, players});
    for (int64_t k = 0; k < all.extent(0); ++k)
        for (int64_t i = 0; i < players; ++i) all.row(k)[i] = static_cast<uint8_t>(k >> i & 1);
    return all;
}

struct Ends {
    double none = 0, all = 0;
};

Ends ends_of(const Game& game) {
    Array<uint8_t> both({2, game.players});
    std::ranges::fill(both.row(1), uint8_t{1});
    const std::vector<double> values = game.values(both);
    return {values[0], values[1]};
}

/// How often each size 1 … players − 1 is drawn, up to a factor: 1/(s·(players − s)), that of one coalition times their
/// number.
std::vector<double> size_weights(int64_t players) {
    std::vector<double> weights;
    for (int64_t s = 1; s < players; ++s) weights.push_back(1.0 / static_cast<double>(s * (players - s)));
    return weights;
}

int64_t drawn_size(const std::vector<double>& weights, double uniform) {
    double left = uniform * std::accumulate(weights.begin(), weights.end(), 0.0);
    for (size_t i = 0; i + 1 < weights.size(); ++i) {
        if (left < weights[i]) return static_cast<int64_t>(i) + 1;
        left -= weights[i];
    }
    return static_cast<int64_t>(weights.size());
}

Array<uint8_t> drawn_coalitions(int64_t players, int64_t count, uint64_t seed, int64_t sample) {
    const std::vector<double> weights = size_weights(players);
    const auto address = static_cast<uint64_t>(sample);
    Array<uint8_t> drawn({count + count % 2, players});
    for (int64_t k = 0; k < drawn.extent(0); k += 2) {
        const auto number = static_cast<uint64_t>(k);
        const int64_t size = drawn_size(weights, random_uniform(seed, Stream::coalitions, {address, 0, number}));
        const auto order = random_permutation(players, seed, Stream::coalitions, {address, 1, number});
        for (int64_t i = 0; i < players; ++i) {
            drawn.row(k)[order[i]] = i < size ? 1 : 0;
            drawn.row(k + 1)[order[i]] = i < size ? 0 : 1;
        }
    }
    return drawn;
}

double binomial(int64_t n, int64_t k) {
    return std::exp(std::lgamma(static_cast<double>(n + 1)) - std::lgamma(static_cast<double>(k + 1)) -
                    std::lgamma(static_cast<double>(n - k + 1)));
}

/// min Σ_k w_k (v_k − none − φᵀz_k)² subject to Σ φ = all − none.
std::vector<double> constrained_fit(const Array<uint8_t>& z, const std::vector<double>& weight,
                                    const std::vector<double>& values, const Ends& ends, const Execution& execution) {
    const int64_t players = z.row_size();
    DoubleArray gram({players, players});
    std::vector<double> free(players), ones(players, 1);
    for (int64_t k = 0; k < z.extent(0); ++k) {
        const auto row = z.row(k);
        for (int64_t i = 0; i < players; ++i) {
            if (row[i] == 0) continue;
            free[i] += weight[k] * (values[k] - ends.none);
            for (int64_t j = 0; j <= i; ++j) gram.row(i)[j] += row[j] != 0 ? weight[k] : 0;
        }
    }
    for (int64_t i = 0; i < players; ++i) gram.row(i)[i] *= 1 + kRidge;
    const Cholesky factor(std::move(gram), execution);
    factor.solve(free);
    factor.solve(ones);
    const double excess = std::accumulate(free.begin(), free.end(), 0.0) - (ends.all - ends.none);
    const double share = excess / std::accumulate(ones.begin(), ones.end(), 0.0);
    for (int64_t i = 0; i < players; ++i) free[i] -= share * ones[i];
    return free;
}

}  // namespace

std::vector<double> exact_shapley(const Game& game) {
    assert(game.players <= kMostPlayersExactly);
    const std::vector<double> values = game.values(all_coalitions(game.players));
    std::vector<double> weight;  // of a coalition of s others: s!·(players − s − 1)!/players!
    for (int64_t s = 0; s < game.players; ++s)
        weight.push_back(1.0 / (static_cast<double>(game.players) * binomial(game.players - 1, s)));
    std::vector<double> result(game.players);
    for (uint64_t k = 0; k < values.size(); ++k)
        for (int64_t i = 0; i < game.players; ++i)
            if ((k >> i & 1) == 0) result[i] += weight[std::popcount(k)] * (values[k | uint64_t{1} << i] - values[k]);
    return result;
}

std::vector<double> permutation_shapley(const Game& game, int64_t orders, uint64_t seed, int64_t sample) {
    const int64_t players = game.players;
    const Ends ends = ends_of(game);
    std::vector<double> result(players);
    std::vector<int64_t> order;
    for (int64_t p = 0; p < orders; ++p) {
        if (p % 2 == 0)
            order = random_permutation(players, seed, Stream::coalitions,
                                       {static_cast<uint64_t>(sample), 2, static_cast<uint64_t>(p)});
        else
            std::ranges::reverse(order);
        Array<uint8_t> coalitions({std::max<int64_t>(0, players - 1), players});
        for (int64_t k = 0; k + 1 < players; ++k)
            for (int64_t i = 0; i <= k; ++i) coalitions.row(k)[order[i]] = 1;
        std::vector<double> values = players > 1 ? game.values(coalitions) : std::vector<double>();
        values.push_back(ends.all);
        double before = ends.none;
        for (int64_t k = 0; k < players; ++k) {
            result[order[k]] += (values[k] - before) / static_cast<double>(orders);
            before = values[k];
        }
    }
    return result;
}

std::vector<double> kernel_shapley(const Game& game, int64_t coalitions, uint64_t seed, int64_t sample,
                                   const Execution& execution) {
    const int64_t players = game.players;
    const Ends ends = ends_of(game);
    if (players < 2) return std::vector<double>(players, ends.all - ends.none);
    const bool all_fit = players < 40 && (int64_t{1} << players) - 2 <= coalitions;
    Array<uint8_t> z;
    if (all_fit) {
        const Array<uint8_t> all = all_coalitions(players);
        z = all.rows(1, all.extent(0) - 2).copy();
    } else {
        z = drawn_coalitions(players, coalitions, seed, sample);
    }
    std::vector<double> weight(z.extent(0), 1);
    for (int64_t k = 0; all_fit && k < z.extent(0); ++k) {
        const auto size = static_cast<int64_t>(std::ranges::count(z.row(k), uint8_t{1}));
        weight[k] = size_weights(players)[size - 1] / binomial(players, size);
    }
    return constrained_fit(z, weight, game.values(z), ends, execution);
}

}  // namespace spikelens

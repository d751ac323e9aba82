#include <algorithm>
#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "attribute/shapley_values.h"
#include "attribute/superpixels.h"
#include "small_network.h"
#include "spiking_input.h"

namespace spikelens {
namespace {

using Values = std::vector<double>;

/// Any value for each coalition.
Game random_game(int64_t players, uint64_t seed) {
    return {players, [seed](const Array<uint8_t>& coalitions) {
                Values values;
                for (int64_t k = 0; k < coalitions.extent(0); ++k) {
                    uint64_t bits = 0;
                    for (const uint8_t in : coalitions.row(k)) bits = 2 * bits + in;
                    values.push_back(random_uniform(seed, Stream::test, {bits}));
                }
                return values;
            }};
}

/// v = f(the players that are in).
Game game_of(int64_t players, const std::function<double(std::span<const uint8_t>)>& value) {
    return {players, [value](const Array<uint8_t>& coalitions) {
                Values values;
                for (int64_t k = 0; k < coalitions.extent(0); ++k) values.push_back(value(coalitions.row(k)));
                return values;
            }};
}

/// The definition: over every order of the players.
Values over_all_orders(const Game& game) {
    std::vector<int> order(game.players);
    std::iota(order.begin(), order.end(), 0);
    Values result(game.players);
    double orders = 0;
    do {
        Array<uint8_t> coalitions({game.players + 1, game.players});
        for (int64_t k = 1; k <= game.players; ++k)
            for (int64_t i = 0; i < k; ++i) coalitions.row(k)[order[i]] = 1;
        const Values values = game.values(coalitions);
        for (int64_t k = 0; k < game.players; ++k) result[order[k]] += values[k + 1] - values[k];
        ++orders;
    } while (std::ranges::next_permutation(order).found);
    for (double& value : result) value /= orders;
    return result;
}

double whole(const Game& game) {
    Array<uint8_t> ends({2, game.players});
    std::ranges::fill(ends.row(1), uint8_t{1});
    const Values values = game.values(ends);
    return values[1] - values[0];
}

double sum(const Values& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(Shapley, ByCoalitionsIsByOrders) {
    for (int64_t players = 1; players <= 7; ++players) {
        const Game game = random_game(players, 3);
        const Values expected = over_all_orders(game), exact = exact_shapley(game);
        const Values kernel = kernel_shapley(game, 200, 1, 5, {});
        for (int64_t i = 0; i < players; ++i) {
            EXPECT_NEAR(exact[i], expected[i], 1e-12);
            EXPECT_NEAR(kernel[i], expected[i], 1e-7) << "all coalitions fit";
        }
    }
}

TEST(Shapley, OfTwelvePlayersKernelAndEnumerationAgree) {
    const Game game = random_game(12, 4);
    const Values exact = exact_shapley(game), kernel = kernel_shapley(game, 4096, 1, 5, {});
    for (int64_t i = 0; i < 12; ++i) EXPECT_NEAR(kernel[i], exact[i], 1e-7);
}

TEST(Shapley, DrawnOnesSumToTheWholeAndComeNear) {
    const Game game = random_game(9, 5);
    const Values exact = exact_shapley(game);
    // One order's part of a player has a deviation of about 0.4: 4,000 orders, 0.0065; five of these.
    const Values orders = permutation_shapley(game, 4000, 1, 5), drawn = kernel_shapley(game, 400, 1, 5, {});
    EXPECT_NEAR(sum(orders), whole(game), 1e-9);
    EXPECT_NEAR(sum(drawn), whole(game), 1e-9);
    double off = 0;
    for (int64_t i = 0; i < 9; ++i) {
        EXPECT_NEAR(orders[i], exact[i], 0.035);
        EXPECT_NEAR(drawn[i], exact[i], 0.15);
        off += std::abs(orders[i] - exact[i]) + std::abs(drawn[i] - exact[i]);
    }
    EXPECT_GT(off, 0) << "they are drawn";
    EXPECT_NE(permutation_shapley(game, 10, 1, 5), permutation_shapley(game, 10, 1, 6));
    EXPECT_NE(kernel_shapley(game, 100, 1, 5, {}), kernel_shapley(game, 100, 2, 5, {}));
}

TEST(Shapley, KeepsItsAxioms) {
    // Player 0 never matters, 1 and 2 do the same, 3 adds 5.
    const Game game = game_of(4, [](std::span<const uint8_t> in) { return in[1] * in[2] + 5.0 * in[3]; });
    const Game twenty = game_of(20, [](std::span<const uint8_t> in) {
        double value = 0;
        for (size_t i = 0; i < in.size(); ++i) value += static_cast<double>(i) * in[i];
        return value;
    });
    for (const Values& values :
         {exact_shapley(game), permutation_shapley(game, 50, 1, 0), kernel_shapley(game, 100, 1, 0, {})}) {
        EXPECT_NEAR(values[0], 0, 1e-8);
        EXPECT_NEAR(values[1], 0.5, 1e-8);  // an order and its reverse: once first, once second
        EXPECT_NEAR(values[2], 0.5, 1e-8);
        EXPECT_NEAR(values[3], 5, 1e-8);
    }
    // Where players only add up, drawn coalitions say so exactly.
    for (const Values& values : {permutation_shapley(twenty, 1, 1, 0), kernel_shapley(twenty, 200, 1, 0, {})})
        for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], static_cast<double>(i), 1e-5);
}

/// The score with the pixels or spikes of these players alone.
Game game_by_hand(const CpuEngine& engine, const Input& input, const std::vector<int>& player, int players,
                  int target) {
    return game_of(players, [=, &engine](std::span<const uint8_t> in) {
        Input shown = input;
        const auto cut = static_cast<int64_t>(player.size());
        for (int64_t i = 0; i < shown.images.size(); ++i)
            if (in[player[i % cut]] == 0) shown.images.data[i] = 0;
        const int64_t pixels = input.spiking() ? input.shape()[3] * input.shape()[4] : 1;
        const int64_t channels = input.spiking() ? input.shape()[2] : 1;
        for (int64_t i = 0; i < shown.spikes.size(); ++i)
            if (in[player[i / (pixels * channels) * pixels + i % pixels]] == 0) shown.spikes.data[i] = 0;
        return double{engine.run(shown).scores.data[target]};
    });
}

void expect_shared(const FloatArray& map, const std::vector<int>& player, const Values& values) {
    ASSERT_EQ(map.size(), static_cast<int64_t>(player.size()));
    for (size_t i = 0; i < player.size(); ++i) {
        const auto size = static_cast<double>(std::ranges::count(player, player[i]));
        EXPECT_NEAR(map.data[i], values[player[i]] / size, 1e-6) << i;
    }
}

TEST(Shapley, OfSegmentsAndCellsIsThatOfTheirGame) {
    const Network network = test::two_conv_network();
    const CpuEngine engine(network);
    const AttributionContext context{.engine = &engine, .seed = 3};
    const std::vector<int> targets{2};
    const std::vector<int64_t> samples{7};
    const Input image = test::test_images(1, {1, 12, 12});
    const Superpixels segments = slic_superpixels(image.images.row(0), {1, 12, 12}, 4);
    expect_shared(explain(parse_method("shapley:estimator=exact:segments=4"), context, {image, targets, samples}),
                  segments.segment, over_all_orders(game_by_hand(engine, image, segments.segment, segments.count, 2)));

    const Input spikes = test::test_spikes(5, 1, {1, 12, 12});
    const Superpixels grid = grid_superpixels(12, 12, 2);
    std::vector<int> cells;
    for (int t = 0; t < 5; ++t)
        for (const int segment : grid.segment) cells.push_back(segment + (t < 3 ? 0 : 2));
    expect_shared(
        explain(parse_method("shapley3d:estimator=exact:segments=4:windows=2"), context, {spikes, targets, samples}),
        cells, over_all_orders(game_by_hand(engine, spikes, cells, 4, 2)));
}

}  // namespace
}  // namespace spikelens

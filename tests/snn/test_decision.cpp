#include <limits>

#include <gtest/gtest.h>

#include "spikelens/snn/decision.h"
#include "spikelens/snn/simulate.h"

namespace spikelens {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(Decision, EqualScoresNameNoClass) {
    EXPECT_TRUE(undecided(std::vector<float>{0, 0, 0}));
    EXPECT_TRUE(undecided(std::vector<float>{0, -0.0F}));
    EXPECT_TRUE(undecided(std::vector<float>{0.25F, 0.25F, 0.25F}));
    EXPECT_FALSE(undecided(std::vector<float>{0, 0, 1e-30F}));
    EXPECT_FALSE(undecided(std::vector<float>{1, 1, 0}));  // two classes are first, the third is not: the first maximum
    EXPECT_FALSE(undecided(std::vector<float>{0}));
}

TEST(Decision, AScoreThatIsNoNumberNamesNoClass) {
    EXPECT_TRUE(undecided(std::vector<float>{1, nan, 0}));
    EXPECT_TRUE(undecided(std::vector<float>{nan, nan}));
}

TEST(Decision, IsThePredictionWhereThereIsOne) {
    const FloatArray scores({4, 3}, {1, 3, 2, 0, 0, 0, 2, 2, 1, -1, -2, -0.5F});
    EXPECT_EQ(decisions(scores), (std::vector<int>{1, kUndecided, 0, 2}));
    EXPECT_EQ(predictions(scores), (std::vector<int>{1, 0, 0, 2}));
}

// Both readouts, shown nothing: the one that counts spikes and the one that integrates stay at 0.
TEST(Decision, ASilentNetworkDecidesNothing) {
    for (const char* text : {"4F-LIF-3F", "4F-LIF-3F-LIF", "4F-LIF-3F-LI(beta=0.9)"}) {
        Network network = parse_network(text, {1, 2, 2}, 4);
        initialise_weights(network, 1);
        for (Layer& layer : network.layers) std::ranges::fill(layer.bias.data, 0.0F);
        const Simulator simulator(network);
        EXPECT_EQ(decisions(simulator.run(FloatArray({1, 1, 2, 2})).scores), std::vector<int>{kUndecided}) << text;
        EXPECT_EQ(decisions(simulator.run_spikes(Array<uint8_t>({1, 4, 1, 2, 2})).scores), std::vector<int>{kUndecided})
            << text;
    }
}

}  // namespace
}  // namespace spikelens

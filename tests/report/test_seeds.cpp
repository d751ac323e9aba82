#include <gtest/gtest.h>

#include "reproduce/seeds.h"

namespace spikelens {
namespace {

SeedClaims of(uint64_t seed, double accuracy, std::optional<bool> hurts, std::optional<bool> costs) {
    return {seed,
            "run",
            {{"accuracy", 0.5, accuracy, true, {}},
             {"hurts", "yes", "a against b", hurts, {}},
             {"costs", "yes", "…", costs, {}}}};
}

/// Means 0.42 and deviations by hand: t(2) = 4.303, s = 0.02, so ± 0.0497.
TEST(Seeds, ClaimsAreJoined) {
    const auto claims = over_seeds({of(1, 0.40, true, false), of(2, 0.42, true, false), of(3, 0.44, true, false)});
    EXPECT_EQ(claims[0].measured, "0.4200 ± 0.0497, 3 seeds");
    EXPECT_EQ(claims[0].held, std::optional(false)) << "0.5 lies outside";
    EXPECT_EQ(claims[1].measured, "3 of 3 seeds");
    EXPECT_EQ(claims[1].held, std::optional(true));
    EXPECT_EQ(claims[2].measured, "0 of 3 seeds");
    EXPECT_EQ(claims[2].held, std::optional(false));
    const auto mixed = over_seeds({of(1, 0.30, true, std::nullopt), of(2, 0.62, false, true)});
    EXPECT_EQ(mixed[0].held, std::nullopt) << "two seeds tell little";
    const auto close = over_seeds({of(1, 0.49, true, false), of(2, 0.50, true, false), of(3, 0.51, true, false)});
    EXPECT_EQ(close[0].held, std::optional(true));
    EXPECT_EQ(mixed[1].held, std::nullopt);
    EXPECT_EQ(mixed[2].measured, "1 of 2 seeds");
    EXPECT_EQ(mixed[2].held, std::nullopt);
}

/// Changes 1, 2 and 3: mean 2, s = 1, t(2) = 4.303 over √3.
TEST(Seeds, ChangesByAChoiceAreJoined) {
    const auto seed = [](uint64_t number, double change) {
        return SeedClaims{number, "run", {{"accuracy", 0.5, change, false, {}, "20 epochs", change}}};
    };
    const auto claims = over_seeds({seed(1, 1), seed(2, 2), seed(3, 3)});
    EXPECT_EQ(claims[0].choice, "20 epochs");
    EXPECT_DOUBLE_EQ(claims[0].change.value(), 2);
    const ChoiceChanges table = choice_changes(claims);
    EXPECT_EQ(table.choices, std::vector<std::string>{"20 epochs"});
    EXPECT_EQ(table.rows, (std::vector<std::vector<std::string>>{{"accuracy", "+2.0000 ± 2.4841"}}));
}

TEST(Seeds, EachHasItsOwnRun) {
    ReproduceOptions options;
    options.out = "runs/a";
    options.seed = 5;
    options.seeds = 3;
    const ReproduceOptions third = of_seed(options, 2);
    EXPECT_EQ(third.out, "runs/a-seed7");
    EXPECT_EQ(third.seed, 7U);
    EXPECT_EQ(third.seeds, 1);
}

}  // namespace
}  // namespace spikelens

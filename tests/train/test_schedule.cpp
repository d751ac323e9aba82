#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/train/schedule.h"

namespace spikelens {
namespace {

TEST(Schedule, ConstantIsOne) {
    for (int64_t update : {0, 1, 57}) EXPECT_EQ(schedule_factor({}, 0, 10, update, 6), 1);
}

TEST(Schedule, CosineFallsFromOneToZeroOverItsEpochs) {
    const Schedule cosine = parse_schedule("cosine");
    const auto factor = [&](int64_t update) { return schedule_factor(cosine, 0, 10, update, 6); };
    for (int64_t update = 0; update < 60; ++update)
        EXPECT_NEAR(factor(update), (1 + std::cos(std::numbers::pi * static_cast<double>(update) / 60)) / 2, 1e-14);
    EXPECT_EQ(factor(0), 1);
    EXPECT_DOUBLE_EQ(factor(30), 0.5);
    EXPECT_EQ(factor(60), 0);
    EXPECT_EQ(factor(61), 0);
    EXPECT_EQ(schedule_factor(parse_schedule("cosine(10)"), 0, 3, 30, 6), factor(30));
}

TEST(Schedule, StepsMultiplyEverySoManyEpochs) {
    const Schedule step = parse_schedule("step(3,0.5)");
    const double expected[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.25};
    for (int64_t epoch = 0; epoch < 7; ++epoch)
        for (int64_t update : {0, 5}) EXPECT_EQ(schedule_factor(step, 0, 7, epoch * 6 + update, 6), expected[epoch]);
}

TEST(Schedule, WarmUpRisesInEqualParts) {
    for (int64_t update = 0; update < 12; ++update)
        EXPECT_DOUBLE_EQ(schedule_factor({}, 2, 10, update, 6), static_cast<double>(update + 1) / 12);
    EXPECT_EQ(schedule_factor({}, 2, 10, 12, 6), 1);
    const Schedule cosine = parse_schedule("cosine");
    EXPECT_EQ(schedule_factor(cosine, 2, 10, 12, 6), 1);
    EXPECT_DOUBLE_EQ(schedule_factor(cosine, 2, 10, 36, 6), 0.5);
    EXPECT_DOUBLE_EQ(schedule_factor(cosine, 2, 10, 0, 6), 1.0 / 12);
}

TEST(Schedule, TextsAreCanonical) {
    for (const char* text : {"constant", "cosine", "cosine(30)", "step(10,0.1)"})
        EXPECT_EQ(schedule_text(parse_schedule(text)), text);
    EXPECT_EQ(schedule_text(parse_schedule("step(10,0.10)")), "step(10,0.1)");
}

TEST(Schedule, OtherTextsAreRefused) {
    for (const char* text :
         {"", "cos", "cosine(", "cosine()", "cosine(0)", "cosine(-1)", "cosine(3)x", "step", "step(3)", "step(0,0.5)",
          "step(3,0)", "step(3,1.5)", "step(3,nan)", "step(3,0.5", "constant(2)"})
        EXPECT_THROW(parse_schedule(text), InputError) << text;
}

}  // namespace
}  // namespace spikelens

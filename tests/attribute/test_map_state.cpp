#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "spikelens/attribute/map_state.h"

#include "small_network.h"

namespace spikelens {
namespace {

MethodInfo in_units_of(Unit unit) {
    MethodInfo info;
    info.unit = unit;
    return info;
}

const std::vector<float> scores{3, -6, 0.5F};

MapState state(const std::vector<float>& map, Unit unit = Unit::own) {
    return map_state(in_units_of(unit), map, scores);
}

TEST(MapState, TellsWhatAMapHasToSay) {
    EXPECT_EQ(state({}), MapState::zero);
    EXPECT_EQ(state({0, -0.0F, 0}), MapState::zero);
    EXPECT_EQ(state({0, 1e-30F, 0}), MapState::values);
    EXPECT_EQ(state({-0.25F, -0.25F}), MapState::constant);
    EXPECT_EQ(state({0.25F, -0.25F}), MapState::values);
    EXPECT_EQ(state({0, std::numeric_limits<float>::quiet_NaN()}), MapState::not_finite);
    EXPECT_EQ(state({0, -std::numeric_limits<float>::infinity()}), MapState::not_finite);
}

// What rounds to nothing when it is added to a score is no evidence about it.
TEST(MapState, NoiseIsWhatAScoreLosesWhenItIsAdded) {
    for (float score : {1.0F, -6.0F, 0.1F, 1000.0F}) {
        const std::vector<float> one{score};
        const auto bound = static_cast<float>(rounding(in_units_of(Unit::score), one));
        const float below = bound / 2, above = 2 * bound;
        EXPECT_EQ(score + below, score);
        EXPECT_NE(score + above * (score > 0 ? 1 : -1), score);
        const std::vector<float> noise{below, 0, -below / 3}, values{above, 0};
        EXPECT_EQ(map_state(in_units_of(Unit::score), noise, one), MapState::noise);
        EXPECT_EQ(map_state(in_units_of(Unit::score), values, one), MapState::values);
        EXPECT_EQ(map_state(in_units_of(Unit::own), noise, one), MapState::values);
    }
    EXPECT_EQ(state({1e-8F, -1e-9F}, Unit::probability), MapState::noise);
    EXPECT_EQ(state({1e-6F, -1e-9F}, Unit::probability), MapState::values);
    EXPECT_EQ(map_state(in_units_of(Unit::score), std::vector{1e-20F, 0.0F}, std::vector{0.0F, 0.0F}),
              MapState::values);
}

TEST(MapState, EqualUpToRoundingIsConstant) {
    const float one = 0.1F, next = std::nextafter(one, 1.0F);
    EXPECT_EQ(state({one, next, one}), MapState::constant);
    EXPECT_EQ(state({one, one * 1.0001F}), MapState::values);
}

// A network that stays silent has equal scores whatever is hidden: nothing is left to explain but rounding.
TEST(MapState, NoMethodDrawsASilentNetwork) {
    Network network = test::two_conv_network({2, 12, 12});
    for (Layer& layer : network.layers) {
        std::ranges::fill(layer.weight.data, 0.0F);
        std::ranges::fill(layer.bias.data, 0.0F);
    }
    const CpuEngine simulator(network);
    const AttributionContext context{.engine = &simulator, .seed = 3};
    const Input images = test::test_images(2, {2, 12, 12});
    const FloatArray shown = simulator.run(images).scores;
    const std::vector<int> targets{1, 0};
    const std::vector<int64_t> samples{0, 1};
    for (const MethodInfo& info : all_methods()) {
        if (!info.on_images || info.needs_relevant || info.needs_probe || info.sanity_baseline) continue;
        const MethodSpec spec = parse_method(info.name);
        const FloatArray maps = pixel_maps(explain(spec, context, {images, targets, samples}), spec.view);
        for (int64_t n = 0; n < 2; ++n) {
            const MapState told = map_state(info, maps.row(n), shown.row(n));
            // RISE weighs its masks by one probability: what is left is how often each pixel was shown.
            EXPECT_TRUE(told != MapState::values || info.name == "rise") << info.name;
        }
    }
}

}  // namespace
}  // namespace spikelens

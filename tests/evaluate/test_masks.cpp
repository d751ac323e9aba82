#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/evaluate/metric.h"

namespace spikelens {
namespace {

/// Three maps of 2×3 whose masks are known.
struct Explained {
    FloatArray maps{{3, 1, 2, 3},
                    {4, -9, 1, 0, 3, 0,  // inside: 4 and 1
                     5, 5, 1, 5, 0, -1,  // three are the largest, one of them inside
                     -2, -1, -3, -4, -5, -6}};
    Array<uint8_t> masks{{3, 2, 3},
                         {1, 1, 9, 0, 0, 0,  //
                          1, 0, 0, 0, 1, 0,  //
                          0, 255, 0, 0, 0, 0}};
    Input input = FloatArray({3, 1, 2, 3});

    std::vector<double> measured(const char* metric) const {
        MetricContext context;
        context.masks = [this](std::span<const int64_t> samples) { return masks.select(samples); };
        const std::vector<int64_t> samples{0, 1, 2};
        const std::vector<int> targets(3);
        const FloatArray scores({3, 2});
        const MethodSpec method = parse_method("input");
        return find_metric(metric)->measure(context, {method, samples, input, targets, scores, maps}, {}).values;
    }
};

TEST(Masks, EnergyInsideIsTheShareOfWhatIsPositive) {
    EXPECT_EQ(Explained().measured("energy_inside"), (std::vector<double>{5.0 / 8, 5.0 / 16, 0.5}))
        << "nothing is positive: 0.5";
}

TEST(Masks, ThePointingGameAsksForTheLargest) {
    EXPECT_EQ(Explained().measured("pointing_game"), (std::vector<double>{1, 1.0 / 3, 1}));
}

/// Of a mask that is empty or full every map scores the same.
TEST(Masks, ThatTellNoPlaceAreRefused) {
    for (const uint8_t value : {0, 1})
        for (const char* metric : {"energy_inside", "pointing_game"}) {
            Explained explained;
            std::ranges::fill(explained.masks.row(2), value);
            try {
                explained.measured(metric);
                ADD_FAILURE() << metric << " scored a mask of " << int{value};
            } catch (const InputError& error) {
                EXPECT_NE(std::string(error.what())
                              .find(value == 0 ? "test sample 2 has nothing" : "test sample 2 has everything"),
                          std::string::npos)
                    << error.what();
            }
        }
}

TEST(Masks, OfAnotherSizeAreRefused) {
    Explained explained;
    explained.masks = Array<uint8_t>({3, 3, 2});
    EXPECT_THROW(explained.measured("energy_inside"), InputError);
    EXPECT_THROW(explained.measured("pointing_game"), InputError);
}

}  // namespace
}  // namespace spikelens

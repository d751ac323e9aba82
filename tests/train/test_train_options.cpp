#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "train/training.h"

namespace spikelens {
namespace {

using testing::parameters;
using testing::Stop;
using testing::Training;

TEST_F(Training, ABatchInPartsHasTheGradientOfTheWholeButForRounding) {
    const std::vector<FloatArray> whole = gradient_of(network, options);
    for (const int parts : {2, 3, 30}) {
        TrainOptions cut = options;
        cut.accumulate = parts;
        const std::vector<FloatArray> gradient = gradient_of(network, cut);
        double largest = 0;
        for (const FloatArray& part : whole)
            for (const float value : part.data) largest = std::max(largest, std::abs(double(value)));
        for (size_t p = 0; p < whole.size(); ++p)
            for (int64_t i = 0; i < whole[p].size(); ++i)
                ASSERT_NEAR(gradient[p].data[i], whole[p].data[i], 1e-6 * largest)
                    << parts << " parts, parameter " << p;
    }
}

TEST_F(Training, FrozenLayersKeepTheirBitsAndTheOthersTheirGradients) {
    const std::vector<FloatArray> start = parameters(network), gradient = gradient_of(network, options);
    options.weight_decay = 0.1;
    for (const auto& [frozen, word] : {std::pair{0, "conv1"}, {1, "full2"}, {2, "full3"}}) {
        TrainOptions with = options;
        with.freeze = {word};
        Network trained = network;
        TrainState fresh;
        train(trained, samples, with, fresh, nullptr);
        const std::vector<FloatArray> end = parameters(trained);
        for (int p = 0; p < 6; ++p) EXPECT_EQ(end[p] == start[p], p / 2 == frozen) << word << ", parameter " << p;
        with.weight_decay = 0;
        std::vector<FloatArray> expected = gradient;
        for (const int p : {2 * frozen, 2 * frozen + 1}) std::ranges::fill(expected[p].data, 0.0F);
        EXPECT_EQ(gradient_of(network, with), expected) << word;
    }
}

TEST_F(Training, AFrozenLayerIsLeftOutOfTheNormThatIsClipped) {
    options.freeze = {"conv1..full2"};
    options.clip_norm = 1e-3;
    const std::vector<FloatArray> gradient = gradient_of(network, options);
    double squares = 0;
    for (const int p : {4, 5})
        for (const float value : gradient[p].data) squares += double(value) * value;
    EXPECT_NEAR(std::sqrt(squares), 1e-3, 1e-8);
}

TEST_F(Training, EachUpdateTakesTheRateOfItsSchedule) {
    options.batch = 10;
    options.epochs = 4;
    options.momentum = 0;
    options.learning_rate = 0.25;
    options.schedule = parse_schedule("step(2,0.5)");
    options.warm_up = 1;
    std::vector<FloatArray> before = parameters(network);
    int64_t update = 0;
    train(network, samples, options, state, [&](const Network& now, const TrainState& at) {
        const double rate = update < 3 ? 0.25 * static_cast<double>(update + 1) / 3 : update < 6 ? 0.25 : 0.125;
        const std::vector<FloatArray> after = parameters(now);
        for (size_t p = 0; p < after.size(); ++p)
            for (int64_t i = 0; i < after[p].size(); ++i)
                ASSERT_NEAR(after[p].data[i], before[p].data[i] - rate * at.momentum[p].data[i], 1e-6) << update;
        before = after;
        ++update;
    });
    EXPECT_EQ(update, 12);
}

TEST_F(Training, AugmentedSamplesAreOthersInEveryEpoch) {
    options.learning_rate = 1e-30;  // so small that weights stay, and the loss tells of the samples alone
    options.epochs = 3;
    options.augmentation = parse_augmentation("flip,crop=1");
    run();
    EXPECT_NE(state.history[1].loss, state.history[0].loss);
    EXPECT_NE(state.history[2].loss, state.history[1].loss);
    options.augmentation = {};
    state = {};
    run();
    EXPECT_NEAR(state.history[1].loss, state.history[0].loss, 1e-12);
}

TEST_F(Training, ResumesInTheSameBitsWithEveryOption) {
    options.batch = 8;
    options.epochs = 3;
    options.schedule = parse_schedule("cosine");
    options.warm_up = 1;
    options.accumulate = 2;
    options.augmentation = parse_augmentation("flip,crop=2");
    options.freeze = {"full2"};
    std::vector<Stop> stops = {{network, state}};
    train(network, samples, options, state, [&](const Network& now, const TrainState& at) {
        stops.push_back({now, at});
    });
    for (Stop& stop : stops) {
        train(stop.network, samples, options, stop.state, nullptr);
        expect_same_end(stop);
    }
}

TEST_F(Training, RefusesSchedulesPartsAndLayersThatCannotBe) {
    const auto refuses = [&](const auto& change) {
        TrainOptions changed = options;
        change(changed);
        EXPECT_THROW(train(network, samples, changed, state, nullptr), InputError);
    };
    refuses([](TrainOptions& with) { with.accumulate = 0; });
    refuses([](TrainOptions& with) { with.accumulate = with.batch + 1; });
    refuses([](TrainOptions& with) { with.warm_up = -1; });
    refuses([](TrainOptions& with) { with.schedule = parse_schedule("cosine"), with.warm_up = 1; });
    refuses([](TrainOptions& with) { with.schedule = parse_schedule("cosine(2)"), with.epochs = 3; });
    refuses([](TrainOptions& with) { with.augmentation.crop = 6; });
    refuses([](TrainOptions& with) { with.freeze = {"conv2"}; });
    refuses([](TrainOptions& with) { with.freeze = {""}; });
    refuses([](TrainOptions& with) { with.freeze = {"full2..conv1"}; });
    refuses([](TrainOptions& with) { with.freeze = {"conv1..full3"}; });
}

}  // namespace
}  // namespace spikelens

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"

#include "train/training.h"

namespace spikelens {
namespace {

using testing::Dual;
using testing::Halves;
using testing::lively_network;
using testing::parameters;
using testing::ReferenceNetwork;
using testing::Stop;
using testing::Training;

TEST_F(Training, GradientEqualsReference) {
    ReferenceNetwork reference(network, options.surrogate, false);
    const std::vector<FloatArray> gradient = gradient_of(network, options);
    ASSERT_EQ(gradient.size(), 6U);
    for (size_t l = 0; l < 3; ++l) {
        SCOPED_TRACE(network.layers[l].name);
        expect_slopes(reference.weight(l), reference, gradient[2 * l]);
        expect_slopes(reference.bias(l), reference, gradient[2 * l + 1]);
    }
}

TEST_F(Training, GradientOfOtherLayersEqualsReference) {
    network =
        lively_network("3C3s2b0-LIF(reset=zero,delay)-AP2s1-4C2p0-LIF(delay)-3Fb0-LIF(threshold=0.3)", {1, 6, 6}, 4, 2);
    options.surrogate.through_reset = true;
    ReferenceNetwork reference(network, options.surrogate, false);
    const std::vector<FloatArray> gradient = gradient_of(network, options);
    ASSERT_EQ(gradient.size(), 4U);
    expect_slopes(reference.weight(0), reference, gradient[0]);
    expect_slopes(reference.weight(1), reference, gradient[1]);
    expect_slopes(reference.bias(1), reference, gradient[2]);
    expect_slopes(reference.weight(2), reference, gradient[3]);
}

TEST_F(Training, LossIsTheMeanCrossEntropyBeforeTheStep) {
    const Dual expected = reference_loss(ReferenceNetwork(network, options.surrogate, false));
    run();
    EXPECT_NEAR(state.history.at(0).loss, expected.value, 1e-6);
    EXPECT_EQ(state.history.at(0).epoch, 1);
}

TEST_F(Training, StepsFollowTheRule) {
    options.learning_rate = 0.25;
    options.momentum = 0.75;
    options.weight_decay = 0.125;
    const std::vector<FloatArray> start = parameters(network);
    TrainOptions plain = options;
    plain.weight_decay = 0;
    const std::vector<FloatArray> first = gradient_of(network, plain);
    run();
    const std::vector<FloatArray> middle = parameters(network);
    const std::vector<FloatArray> second = gradient_of(network, plain);
    options.epochs = 2;
    run();
    const std::vector<FloatArray> end = parameters(network);
    for (size_t p = 0; p < start.size(); ++p)
        for (int64_t i = 0; i < start[p].size(); ++i) {
            const double v1 = first[p].data[i] + 0.125 * start[p].data[i];
            EXPECT_NEAR(middle[p].data[i], start[p].data[i] - 0.25 * v1, 1e-6);
            const double v2 = 0.75 * v1 + second[p].data[i] + 0.125 * middle[p].data[i];
            EXPECT_NEAR(end[p].data[i], middle[p].data[i] - 0.25 * v2, 1e-6);
        }
}

TEST_F(Training, ClippingShortensTheWholeGradient) {
    const auto norm = [](const std::vector<FloatArray>& gradient) {
        double squares = 0;
        for (const FloatArray& part : gradient)
            for (float value : part.data) squares += double(value) * value;
        return std::sqrt(squares);
    };
    const std::vector<FloatArray> whole = gradient_of(network, options);
    options.clip_norm = norm(whole) / 4;
    const std::vector<FloatArray> clipped = gradient_of(network, options);
    EXPECT_NEAR(norm(clipped), options.clip_norm, 1e-6);
    for (size_t p = 0; p < whole.size(); ++p)
        for (int64_t i = 0; i < whole[p].size(); ++i) EXPECT_NEAR(4 * clipped[p].data[i], whole[p].data[i], 1e-6);
    options.clip_norm = 2 * norm(whole);
    EXPECT_EQ(gradient_of(network, options), whole);
}

TEST_F(Training, LearnsHalves) {
    samples = Halves(120);
    initialise_weights(network, 5);
    options.batch = 10;
    options.epochs = 12;
    options.learning_rate = 0.2;
    run();
    EXPECT_EQ(state.epochs_done, 12);
    EXPECT_LT(state.history.front().accuracy, 0.95);
    EXPECT_GT(state.history.back().accuracy, 0.97);
    EXPECT_LT(state.history.back().loss, state.history.front().loss / 3);
}

TEST_F(Training, ThreadsDoNotMatter) {
    options.batch = 11;
    options.epochs = 2;
    const Network start = network;
    train(network, samples, options, state, nullptr, {.threads = 1});
    for (int threads : {2, 5}) {
        Network other = start;
        TrainState other_state;
        train(other, samples, options, other_state, nullptr, {.threads = threads});
        EXPECT_EQ(parameters(other), parameters(network)) << threads;
        EXPECT_EQ(other_state.momentum, state.momentum) << threads;
        EXPECT_EQ(other_state.history[1].loss, state.history[1].loss) << threads;
    }
}

TEST_F(Training, ResumesAsIfNeverInterrupted) {
    options.batch = 8;
    Network saved;
    TrainState saved_state;
    options.epochs = 3;
    train(network, samples, options, state, [&](const Network& now, const TrainState& at) {
        if (at.epochs_done != 1 || at.part.samples > 0) return;
        saved = now;
        saved_state = at;
    });
    train(saved, samples, options, saved_state, nullptr);
    EXPECT_EQ(parameters(saved), parameters(network));
    EXPECT_EQ(saved_state.momentum, state.momentum);
    EXPECT_EQ(saved_state.history[2].loss, state.history[2].loss);
    EXPECT_EQ(saved_state.history.size(), 3U);
}

TEST_F(Training, ResumesFromEveryBatchInTheSameBits) {
    options.batch = 8;  // the last batch of an epoch has six
    options.epochs = 3;
    std::vector<Stop> stops = {{network, state}};
    train(network, samples, options, state, [&](const Network& now, const TrainState& at) {
        stops.push_back({now, at});
    });
    ASSERT_EQ(stops.size(), 13U);
    EXPECT_EQ(stops[1].state.part.samples, 8);
    EXPECT_EQ(stops[4].state.part.samples, 0);
    EXPECT_EQ(stops[4].state.epochs_done, 1);
    for (size_t i = 0; i < stops.size(); ++i) {
        SCOPED_TRACE("after batch " + std::to_string(i));
        train(stops[i].network, samples, options, stops[i].state, nullptr);
        expect_same_end(stops[i]);
    }
}

TEST_F(Training, WhatThrowsBetweenBatchesLeavesAStateToGoOnFrom) {
    options.batch = 8;
    options.epochs = 2;
    const Network start = network;
    run();
    for (int64_t last : {1, 3, 4, 6})
        for (const bool in_progress : {false, true}) {
            SCOPED_TRACE(std::to_string(last) + (in_progress ? " in progress" : " after the batch"));
            Stop stop{start, {}};
            int64_t batches = 0;
            const auto count = [&] {
                if (++batches == last) throw last;
            };
            EXPECT_THROW(train(stop.network, samples, options, stop.state,
                               [&](const Network&, const TrainState&) {
                                   if (!in_progress) count();
                               },
                               {.progress =
                                    [&](const ProgressEvent&) {
                                        if (in_progress) count();
                                    }}),
                         int64_t);
            EXPECT_EQ(stop.state.epochs_done * 4 + (stop.state.part.samples + 7) / 8, last);
            train(stop.network, samples, options, stop.state, nullptr);
            expect_same_end(stop);
        }
}

TEST_F(Training, RefusesAStateThatIsNotOnTheWay) {
    options.batch = 8;
    options.epochs = 2;
    Stop stop;
    train(network, samples, options, state, [&](const Network& now, const TrainState& at) {
        if (at.epochs_done == 1 && at.part.samples == 16) stop = {now, at};
    });
    const auto refuses = [&](const auto& change) {
        Stop changed = stop;
        TrainOptions with = options;
        change(changed.state, with);
        EXPECT_THROW(train(changed.network, samples, with, changed.state, nullptr), InputError);
    };
    refuses([](TrainState&, TrainOptions& with) { with.epochs = 1; });
    refuses([](TrainState&, TrainOptions& with) { with.batch = 7; });
    refuses([](TrainState& at, TrainOptions&) { at.part.samples = 15; });
    refuses([](TrainState& at, TrainOptions&) { at.part.samples = 32; });
    refuses([](TrainState& at, TrainOptions&) { at.part.samples = -8; });
    refuses([](TrainState& at, TrainOptions&) { at.part.correct = 17; });
    refuses([](TrainState& at, TrainOptions&) { at.part.loss = std::numeric_limits<double>::quiet_NaN(); });
    train(stop.network, samples, options, stop.state, nullptr);
    expect_same_end(stop);
    options.epochs = 1;
    EXPECT_THROW(run(), InputError);
}

TEST_F(Training, ACheckpointNeverSeesWeightsThatAreNotFinite) {
    options.learning_rate = 3e38;
    options.batch = 3;
    options.epochs = 5;
    const auto finite = [](const Network& now) {
        for (const FloatArray& part : parameters(now))
            if (!std::ranges::all_of(part.data, [](float value) { return std::isfinite(value); })) return false;
        return true;
    };
    EXPECT_THROW(train(network, samples, options, state,
                       [&](const Network& now, const TrainState&) { EXPECT_TRUE(finite(now)); }),
                 RunError);
}

TEST_F(Training, NothingIsLeftToDoAfterTheLastEpoch) {
    run();
    const std::vector<FloatArray> before = parameters(network);
    run();
    EXPECT_EQ(parameters(network), before);
}

TEST_F(Training, SeedsOrderTheSamples) {
    options.batch = 10;
    Network other = network;
    run();
    TrainState other_state;
    options.seed = 2;
    train(other, samples, options, other_state, nullptr);
    EXPECT_NE(parameters(other), parameters(network));
}

TEST_F(Training, ReportsEveryBatchAndEndsWithAPartialOne) {
    options.batch = 12;
    options.epochs = 2;
    std::vector<ProgressEvent> events;
    train(network, samples, options, state, nullptr,
          {.progress = [&](const ProgressEvent& event) { events.push_back(event); }});
    ASSERT_EQ(events.size(), 6U);
    EXPECT_EQ(events[0].task, "training, epoch 1 of 2");
    EXPECT_EQ(events[3].task, "training, epoch 2 of 2");
    EXPECT_EQ(events[0].done, 12);
    EXPECT_EQ(events[2].done, 30);
    EXPECT_EQ(events[2].total, 30);
    EXPECT_TRUE(events[0].detail.starts_with("loss "));
}

TEST_F(Training, SaysWhenItDiverges) {
    options.learning_rate = 3e38;
    options.batch = 3;
    options.epochs = 5;
    EXPECT_THROW(run(), RunError);
}

TEST_F(Training, RefusesOptionsItCannotUse) {
    const auto refuses = [&](auto TrainOptions::*option, auto value) {
        TrainOptions changed = options;
        changed.*option = value;
        EXPECT_THROW(train(network, samples, changed, state, nullptr), InputError) << value;
    };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    refuses(&TrainOptions::epochs, 0);
    refuses(&TrainOptions::batch, 0);
    for (double value : {0.0, -1.0, nan, 1e300}) refuses(&TrainOptions::learning_rate, value);
    for (double value : {-0.1, 1.0, nan}) refuses(&TrainOptions::momentum, value);
    for (double value : {-0.1, nan}) refuses(&TrainOptions::weight_decay, value);
    for (double value : {-1.0, nan}) refuses(&TrainOptions::clip_norm, value);
}

TEST_F(Training, RefusesSamplesThatDoNotFit) {
    samples.labels[17] = 3;
    EXPECT_THROW(run(), InputError);
    samples.labels[17] = -1;
    EXPECT_THROW(run(), InputError);
    samples = Halves(0);
    EXPECT_THROW(run(), InputError);
    samples = Halves(6);
    network = lively_network("3F", {1, 6, 7}, 4, 1);
    EXPECT_THROW(run(), InputError);
}

TEST_F(Training, RefusesAStateOfAnotherNetwork) {
    run();
    network = lively_network("5C3-LIF-MP2-6F-LIF-3F", {1, 6, 6}, 4, 1);
    options.epochs = 2;
    EXPECT_THROW(run(), InputError);
    state.momentum.pop_back();
    EXPECT_THROW(run(), InputError);
    state = {};
    state.epochs_done = 1;
    EXPECT_THROW(run(), InputError);
}

}  // namespace
}  // namespace spikelens

#include <algorithm>

#include <gtest/gtest.h>

#include "spikelens/core/error.h"
#include "spikelens/core/parallel.h"
#include "spikelens/core/random.h"
#include "spikelens/data/dataset.h"
#include "spikelens/data/events.h"

namespace spikelens {
namespace {

EventRecording recording(uint64_t seed, int events, int64_t spread) {
    const auto draw = [&](uint64_t what, uint64_t i, uint64_t below) {
        return random_bits(seed, Stream::test, {what, i}) % below;
    };
    EventRecording made{.format = "test", .width = 3, .height = 2, .events = {}};
    for (uint64_t i = 0; i < static_cast<uint64_t>(events); ++i)
        made.events.push_back({static_cast<int64_t>(draw(0, i, static_cast<uint64_t>(spread))),
                               static_cast<uint16_t>(draw(1, i, 3)), static_cast<uint16_t>(draw(2, i, 2)),
                               static_cast<uint8_t>(draw(3, i, 2))});
    std::ranges::sort(made.events, {}, &Event::time);
    return made;
}

EventSet four_samples(const Binning& binning) {
    return {{recording(1, 40, 9000), recording(2, 1, 10), recording(3, 70, 5000), {}},
            {0, 1, 1, 0},
            {"a", "b"},
            binning,
            2,
            3};
}

TEST(EventSet, HasTheStepsOfItsLongestRecording) {
    const EventSet set = four_samples({});
    const auto& events = set.recording(0).events;
    EXPECT_EQ(set.steps(), (events.back().time - events.front().time) / 1000 + 1);
    EXPECT_EQ(set.binning().steps, set.steps());
    EXPECT_EQ(set.shape(), (Shape{2, 2, 3}));
    EXPECT_EQ(set.size(), 4);
    EXPECT_EQ(set.label(2), 1);
    EXPECT_EQ(four_samples(parse_binning("3x1ms")).steps(), 3);
    EXPECT_EQ(four_samples(parse_binning("count=7")).steps(), 7);
}

TEST(EventSet, InputIsEachRecordingBinned) {
    for (const char* text : {"1ms", "4x1ms", "count=6"}) {
        const EventSet set = four_samples(parse_binning(text));
        const std::vector<int64_t> indices = {2, 0, 3, 2, 1};
        const Input input = set.input(indices);
        ASSERT_TRUE(input.spiking());
        ASSERT_TRUE(input.images.shape.empty());
        ASSERT_EQ(input.spikes.shape, (Shape{5, set.steps(), 2, 2, 3}));
        for (size_t n = 0; n < indices.size(); ++n) {
            const Array<uint8_t> one = bin_events(set.recording(indices[n]), set.binning(), 2, 3);
            ASSERT_TRUE(std::ranges::equal(input.spikes.row(static_cast<int64_t>(n)), one.data)) << text;
        }
        EXPECT_EQ(set.input({}).spikes.shape, (Shape{0, set.steps(), 2, 2, 3}));
    }
}

TEST(EventSet, ImagesAreTheSpikesSummedAndDividedByTheLargest) {
    const EventSet set = four_samples(parse_binning("4x1ms"));
    const std::vector<int64_t> indices = {0, 1, 2, 3};
    const FloatArray images = set.images(indices);
    ASSERT_EQ(images.shape, (Shape{4, 2, 2, 3}));
    for (int64_t n = 0; n < 4; ++n) {
        const Array<uint8_t> spikes = bin_events(set.recording(n), set.binning(), 2, 3);
        std::vector<float> sums(12);
        for (int64_t i = 0; i < spikes.size(); ++i)
            sums[static_cast<size_t>(i % 12)] += spikes.data[static_cast<size_t>(i)];
        const float largest = std::max(std::ranges::max(sums), 1.0F);
        for (size_t i = 0; i < 12; ++i) ASSERT_EQ(images.row(n)[i], sums[i] / largest);
    }
    EXPECT_EQ(std::ranges::max(images.row(0)), 1.0F);
    EXPECT_EQ(std::ranges::max(images.row(3)), 0.0F);  // a recording without events
}

TEST(EventSet, GivesTheSameToSeveralThreads) {
    const EventSet set = four_samples({});
    const std::vector<int64_t> indices = {0, 1, 2, 3};
    const Input expected = set.input(indices);
    std::vector<int> same(20);
    parallel_for(20, 4, [&](int64_t i, int) { same[static_cast<size_t>(i)] = set.input(indices) == expected ? 1 : 0; });
    EXPECT_EQ(same, std::vector<int>(20, 1));
}

TEST(EventSet, RefusesWhatDoesNotFitTogether) {
    const std::vector<EventRecording> one = {recording(1, 5, 100)};
    const std::vector<std::string> classes = {"a", "b"};
    EXPECT_THROW(EventSet({}, {}, classes, {}, 2, 3), InputError);
    EXPECT_THROW(EventSet(one, {0, 1}, classes, {}, 2, 3), InputError);
    EXPECT_THROW(EventSet(one, {2}, classes, {}, 2, 3), InputError);
    EXPECT_THROW(EventSet(one, {-1}, classes, {}, 2, 3), InputError);
    EXPECT_THROW(EventSet(one, {0}, classes, {}, 0, 3), InputError);
    EXPECT_THROW(
        EventSet({{.format = "test", .width = 0, .height = 0, .events = {{0, 3, 0, 0}}}}, {0}, classes, {}, 2, 3),
        InputError);
    EXPECT_THROW(EventSet(one, {0}, classes, {.by = Binning::By::count, .window = 1000, .steps = 0}, 2, 3), InputError);
    EXPECT_THROW(
        EventSet({{.format = "test", .width = 1, .height = 1, .events = {{0, 0, 0, 0}, {int64_t{1} << 50, 0, 0, 0}}}},
                 {0}, classes, {}, 2, 3),
        InputError);
    const EventSet set(one, {0}, classes, {}, 2, 3);
    for (const int64_t index : {-1, 1}) {
        EXPECT_THROW(set.input(std::vector<int64_t>{index}), InputError);
        EXPECT_THROW(set.images(std::vector<int64_t>{index}), InputError);
    }
}

}  // namespace
}  // namespace spikelens
